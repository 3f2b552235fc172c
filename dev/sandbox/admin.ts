import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { readRequestBody } from "../request-body.ts";
import { SANDBOX_ENDPOINTS, SANDBOX_PROVIDERS } from "./endpoint.ts";
import type { SandboxProvider } from "./endpoint.ts";
import { faultCommandSchema, faultSchema } from "./fault.ts";
import type { Fault, FaultScope } from "./fault.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import type { SandboxStats } from "./stats.ts";

/** Paths under this belong to whoever drives the stack, not to a provider. */
export const ADMIN_PREFIX = "/__sandbox/";

const MAX_BODY_BYTES = 4_096;
const LOOPBACK: readonly (string | undefined)[] = ["127.0.0.1", "::1", "::ffff:127.0.0.1"];

/** What the admin endpoint may do. */
export interface AdminDeps {
  setFault(provider: SandboxProvider, fault: Fault | null, scope?: FaultScope): void;
  stats(): SandboxStats;
}

function parseCommand(body: string): z.infer<typeof faultCommandSchema> | undefined {
  try {
    return faultCommandSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** `POST /__sandbox/fault {provider, fault, endpoint?, delayMs?}` (a fault of null heals) and `GET /__sandbox/stats`; loopback only. */
export async function answerAdmin(
  request: IncomingMessage,
  url: URL,
  deps: AdminDeps,
): Promise<Reply> {
  if (!LOOPBACK.includes(request.socket.remoteAddress))
    return jsonReply(403, '{"error":"loopback only"}');
  const route = `${request.method} ${url.pathname}`;
  if (route === `GET ${ADMIN_PREFIX}stats`) return jsonReply(200, JSON.stringify(deps.stats()));
  if (route !== `POST ${ADMIN_PREFIX}fault`) return jsonReply(404, '{"error":"not found"}');
  let body: string;
  try {
    body = await readRequestBody(request, MAX_BODY_BYTES);
  } catch (error) {
    if (error instanceof RangeError)
      return jsonReply(413, JSON.stringify({ error: error.message }));
    throw error;
  }
  const command = parseCommand(body);
  if (command === undefined) {
    const expected = {
      provider: SANDBOX_PROVIDERS,
      fault: [...faultSchema.options, null],
      endpoint: SANDBOX_ENDPOINTS,
    };
    return jsonReply(400, JSON.stringify({ error: "not a fault command", expected }));
  }
  const { provider, fault, ...scope } = command;
  deps.setFault(provider, fault, scope);
  return jsonReply(200, JSON.stringify(command));
}
