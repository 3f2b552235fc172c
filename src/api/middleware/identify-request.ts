import { createMiddleware } from "hono/factory";
import { wallClock } from "../../platform/clocks.ts";
import { log, type LogLevel } from "../../platform/log.ts";
import type { ApiEnv } from "../api-env.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "../request-id.ts";
import { routeOf } from "../route-of.ts";

const SERVER_ERROR = 500;
const SWITCHING_PROTOCOLS = 101;
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Gives every request its id, says it in the answer, and writes a line: of what failed and of what changes
 * something always, of reads at level debug. The line names the route, never the URL.
 */
export const identifyRequest = createMiddleware<ApiEnv>(async (context, next) => {
  const startedMs = wallClock.now();
  const requestId = requestIdOf(context.req.header(REQUEST_ID_HEADER));
  context.set("requestId", requestId);
  await next();
  const { status } = context.res;
  // A socket's response can't be changed.
  if (status !== SWITCHING_PROTOCOLS) context.header(REQUEST_ID_HEADER, requestId);
  const { method } = context.req;
  log(levelOf(method, status), "a request was answered", {
    request_id: requestId,
    method,
    route: routeOf(context),
    status,
    ms: wallClock.now() - startedMs,
  });
});

function levelOf(method: string, status: number): LogLevel {
  if (status >= SERVER_ERROR) return "warn";
  return READS.has(method) ? "debug" : "info";
}
