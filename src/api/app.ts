import { OpenAPIHono } from "@hono/zod-openapi";
import { NotImplementedError } from "../contracts/errors.ts";
import { readSettings } from "../env.ts";
import { pinFault } from "../ingest/pins.ts";
import { errorText, log } from "../platform/log.ts";
import type { ApiEnv } from "./api-env.ts";
import { requireKey } from "./middleware/auth.ts";
import { problem } from "./problem.ts";
import { registerBars } from "./routes/bars.ts";
import { registerCalendar } from "./routes/calendar.ts";
import { registerCoverage } from "./routes/coverage.ts";
import { registerHealth, registerReadiness } from "./routes/health.ts";
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
import { registerProviders } from "./routes/providers.ts";
import { registerQuotes } from "./routes/quotes.ts";
import { registerReplay } from "./routes/replay.ts";
import { registerStream } from "./routes/stream.ts";
import { registerUniverse } from "./routes/universe.ts";

/** The HTTP API. `/health` answers always; everything else needs a configured service and a key. */
export function createApp(): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  app.use(async (context, next) => {
    context.set("requestId", crypto.randomUUID());
    await next();
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
  app.use(requireKey);
  registerReadiness(app);
  registerMetrics(app);
  registerBars(app);
  registerQuotes(app);
  registerCalendar(app);
  registerCoverage(app);
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
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Market Data Service", version: "1" },
  });
  app.notFound((context) =>
    problem(context, 404, { code: "not_found", detail: "there is no such route" }),
  );
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
