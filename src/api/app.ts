import { OpenAPIHono } from "@hono/zod-openapi";
import { liveSettings } from "../config/live-settings.ts";
import { readSettings } from "../env.ts";
import { pinFault } from "../ingest/pins.ts";
import { errorText, log } from "../platform/log.ts";
import { isDatabaseAway } from "../postgres/sql-error.ts";
import { noteServedBy } from "./acted-versions.ts";
import type { ApiEnv } from "./api-env.ts";
import { methodsOf } from "./allowed-methods.ts";
import { limitAddress, requireKey } from "./middleware/auth.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { identifyRequest } from "./middleware/identify-request.ts";
import { traceRequests } from "./middleware/trace-requests.ts";
import { problem } from "./problem.ts";
import { registerRoutes } from "./register-routes.ts";
import { DOCS_PATHS, registerDocs } from "./routes/docs.ts";
import { registerHealth } from "./routes/health.ts";
import { registerStream } from "./routes/stream.ts";

/** A database that is away for longer is asked again and again, by everybody: not more often than this. */
const RETRY_AFTER_S = 5;

/**
 * The HTTP API. `/health` answers always; everything else needs a configured service, and all but the
 * description of the API a key; the stream takes a ticket as well.
 */
export function createApp(): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  app.use(identifyRequest);
  app.use(async (context, next) => {
    await next();
    // What is not said to be repeatable is not kept. A socket's response can't be changed.
    if (context.res.status !== 101 && !context.res.headers.has("cache-control"))
      context.header("Cache-Control", "no-store");
  });
  app.use(securityHeaders);
  registerHealth(app);
  app.use(async (context, next) => {
    const read = readSettings(context.env);
    if (!read.ok) {
      return problem(context, 503, {
        code: "not_configured",
        detail: `the service is not configured: ${read.faults.join("; ")}`,
        extra: { faults: read.faults },
      });
    }
    try {
      const fault = await pinFault(read.settings, context.env);
      if (fault !== null) return problem(context, 503, { code: "not_configured", detail: fault });
      const settings = await liveSettings(context.env);
      noteServedBy(settings.configVersion);
      context.set("settings", settings);
    } catch (error) {
      context.header("Retry-After", String(RETRY_AFTER_S));
      const detail = `the store of the configuration did not answer: ${errorText(error)}`;
      return problem(context, 503, { code: "unavailable", detail });
    }
    return await next();
  });
  app.use(traceRequests);
  for (const path of DOCS_PATHS) app.use(path, limitAddress);
  registerDocs(app);
  registerStream(app);
  app.use(requireKey);
  registerRoutes(app);
  const allowedMethods = methodsOf(app);
  app.notFound((context) => {
    const methods = allowedMethods(context.req.path);
    if (methods.length === 0)
      return problem(context, 404, { code: "not_found", detail: "there is no such route" });
    context.header("Allow", methods.join(", "));
    const detail = `this route has ${methods.join(", ")}`;
    return problem(context, 405, { code: "method_not_allowed", detail });
  });
  app.onError((error, context) => {
    log("error", "a request failed", {
      request_id: context.get("requestId"),
      error: errorText(error),
    });
    if (isDatabaseAway(error)) {
      context.header("Retry-After", String(RETRY_AFTER_S));
      const detail = "the database did not answer: ask again";
      return problem(context, 503, { code: "unavailable", detail });
    }
    return problem(context, 500, { code: "internal", detail: "the request could not be served" });
  });
  return app;
}
