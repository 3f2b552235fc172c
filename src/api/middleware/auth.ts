import { createMiddleware } from "hono/factory";
import { STREAM_PROTOCOL } from "../../contracts/stream.ts";
import type { ApiEnv } from "../api-env.ts";
import { problem } from "../problem.ts";

const KEY_PROTOCOL_PREFIX = "key.";

/**
 * Lets a request through that carries a key: `Authorization: Bearer KEY`, or for browsers' sockets
 * `Sec-WebSocket-Protocol: mds.v1, key.KEY`. Never from the URL. Compared in constant time.
 */
export const requireKey = createMiddleware<ApiEnv>(async (context, next) => {
  const { settings } = context.var;
  const key =
    bearerKey(context.req.header("authorization")) ??
    protocolKey(context.req.header("sec-websocket-protocol"));
  if (key === null || !(await sameKey(key, settings.bootstrapKey))) {
    return problem(context, 401, {
      code: "unauthorized",
      detail: "a valid key is required: Authorization: Bearer KEY",
    });
  }
  return await next();
});

function bearerKey(header: string | undefined): string | null {
  return /^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? null;
}

function protocolKey(header: string | undefined): string | null {
  const offered = (header ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(STREAM_PROTOCOL)) return null;
  return (
    offered
      .find((name) => name.startsWith(KEY_PROTOCOL_PREFIX))
      ?.slice(KEY_PROTOCOL_PREFIX.length) ?? null
  );
}

/** Digests are compared, so neither length nor content of the right key shows in the time taken. */
async function sameKey(given: string, expected: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const [a, b] = await Promise.all(
    [given, expected].map((key) => crypto.subtle.digest("SHA-256", encoder.encode(key))),
  );
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
}
