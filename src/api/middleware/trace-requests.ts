import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { createTracer } from "../../platform/tracer.ts";
import type { ApiEnv } from "../api-env.ts";
import { routeOf } from "../route-of.ts";

/** Looking at traces makes none. */
const OWN_PREFIX = "/ops/traces";

/** Begins a trace for every request, by its method and route, while tracing is on. */
export const traceRequests = createMiddleware<ApiEnv>(async (context, next) => {
  const { traced } = context.var.settings;
  if (!traced || context.req.path.startsWith(OWN_PREFIX)) return await next();
  const keepAlive = keepAliveOf(context);
  const tracer = createTracer({ on: true, at: "worker", env: context.env, keepAlive });
  return await tracer.begin(`${context.req.method} ${routeOf(context)}`, () => next());
});

function keepAliveOf(context: Context<ApiEnv>): (work: Promise<void>) => void {
  return (work) => context.executionCtx.waitUntil(work);
}
