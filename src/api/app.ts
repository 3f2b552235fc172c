import { OpenAPIHono } from "@hono/zod-openapi";
import { NotImplementedError } from "../contracts/errors.ts";
import { readSettings } from "../env.ts";
import { pinFault } from "../ingest/pins.ts";
import { errorText, log } from "../platform/log.ts";
import type { ApiEnv } from "./api-env.ts";
import { methodsOf } from "./allowed-methods.ts";
import { requireKey } from "./middleware/auth.ts";
import { problem } from "./problem.ts";
import { registerBarRevisions } from "./routes/bar-revisions.ts";
import { registerBarsDay } from "./routes/bars-day.ts";
import { registerBarsDiff } from "./routes/bars-diff.ts";
import { registerBarsLatest } from "./routes/bars-latest.ts";
import { registerBars } from "./routes/bars.ts";
import { registerCalendar } from "./routes/calendar.ts";
import { registerCorporateActions } from "./routes/corporate-actions.ts";
import { registerCoverage } from "./routes/coverage.ts";
import { registerDocs } from "./routes/docs.ts";
import { registerHealth, registerReadiness } from "./routes/health.ts";
import { registerMacro } from "./routes/macro.ts";
import { registerMetrics } from "./routes/metrics.ts";
import { registerNotImplemented } from "./routes/not-implemented.ts";
import { registerOpsBackfillRequest } from "./routes/ops-backfill-request.ts";
import { registerOpsBackfills } from "./routes/ops-backfills.ts";
import { registerOpsDlqEdit } from "./routes/ops-dlq-edit.ts";
import { registerOpsDlqRequeue } from "./routes/ops-dlq-requeue.ts";
import { registerOpsDlq } from "./routes/ops-dlq.ts";
import { registerOpsParked } from "./routes/ops-parked.ts";
import { registerOpsProviders } from "./routes/ops-providers.ts";
import { registerOpsSlo } from "./routes/ops-slo.ts";
import { registerOpsUniverse } from "./routes/ops-universe.ts";
import { registerOpsVerify } from "./routes/ops-verify.ts";
import { registerOptions } from "./routes/options.ts";
import { registerProviders } from "./routes/providers.ts";
import { registerQuotes } from "./routes/quotes.ts";
import { registerReplay } from "./routes/replay.ts";
import { registerStream } from "./routes/stream.ts";
import { registerUniverse } from "./routes/universe.ts";

/**
 * The HTTP API. `/health` answers always; everything else needs a configured service, and all but the
 * description of the API a key.
 */
export function createApp(): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  app.use(async (context, next) => {
    context.set("requestId", crypto.randomUUID());
    await next();
    // What is not said to be repeatable is not kept. A socket's response can't be changed.
    if (context.res.status !== 101 && !context.res.headers.has("cache-control"))
      context.header("Cache-Control", "no-store");
  });
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
    const fault = await pinFault(read.settings, context.env);
    if (fault !== null) return problem(context, 503, { code: "not_configured", detail: fault });
    context.set("settings", read.settings);
    return await next();
  });
  registerDocs(app);
  app.use(requireKey);
  registerReadiness(app);
  registerMetrics(app);
  registerBars(app);
  registerBarsLatest(app);
  registerBarsDiff(app);
  registerBarsDay(app);
  registerBarRevisions(app);
  registerQuotes(app);
  registerCalendar(app);
  registerCoverage(app);
  registerCorporateActions(app);
  registerMacro(app);
  registerOptions(app);
  registerReplay(app);
  registerStream(app);
  registerProviders(app);
  registerOpsProviders(app);
  registerOpsSlo(app);
  registerOpsParked(app);
  registerOpsVerify(app);
  registerUniverse(app);
  registerOpsUniverse(app);
  registerOpsBackfills(app);
  registerOpsBackfillRequest(app);
  registerOpsDlq(app);
  registerOpsDlqEdit(app);
  registerOpsDlqRequeue(app);
  registerNotImplemented(app);
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
    if (error instanceof NotImplementedError) {
      return problem(context, 501, { code: error.code, detail: error.message });
    }
    log("error", "a request failed", {
      request_id: context.get("requestId"),
      error: errorText(error),
    });
    return problem(context, 500, { code: "internal", detail: "the request could not be served" });
  });
  return app;
}
