import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { traceIdSchema } from "../../contracts/trace.ts";
import { metricsHubStub } from "../../platform/stubs.ts";
import type { ApiEnv } from "../api-env.ts";
import { preferredForm } from "../negotiate.ts";
import { registerRead } from "../parameters.ts";
import { parseQuery } from "../parse-query.ts";
import { countParam } from "../query-values.ts";
import { problem } from "../problem.ts";
import { tracePage, tracePagePolicy } from "../trace-page.ts";
import { chromeTrace, chromeTraceSchema, traceHeadSchema, traceHeadView } from "../trace-view.ts";

const FORMS = { chrome: "application/json", html: "text/html" } as const;
type Form = keyof typeof FORMS;

const TRACE_PATH = "/ops/traces/:id";
const traceQuery = z.object({
  format: z
    .enum(["chrome", "html"])
    .optional()
    .describe("Instead of `Accept`: trace events for Chrome, Perfetto or Speedscope, or the page"),
});

/**
 * `GET /ops/traces`: the traces that are kept, the newest first; `/ops/traces/{id}`: one of them as a page with
 * its flame graph, or as trace events. 404 while tracing is off.
 */
export function registerOpsTraces(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/ops/traces",
    summary: "Traces that are kept, the newest first; 404 while tracing is off",
    query: z.object({ limit: countParam(1, 400, 100) }),
    answer: z.object({ traces: z.array(traceHeadSchema) }),
  };
  registerRead(app, route, async (context, { limit }) => {
    if (!context.var.settings.traced) return tracingIsOff(context);
    const heads = await metricsHubStub(context.env).listTraces(limit);
    return context.json({ traces: heads.map(traceHeadView) });
  });
  registerTrace(app);
}

function registerTrace(app: OpenAPIHono<ApiEnv>): void {
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/ops/traces/{id}",
    summary: "A trace as a flame graph, or in Chrome's trace event format",
    request: { params: z.object({ id: z.string() }), query: traceQuery },
    responses: {
      200: {
        description: "The trace",
        content: {
          [FORMS.chrome]: { schema: chromeTraceSchema },
          [FORMS.html]: { schema: z.string() },
        },
      },
    },
  });
  app.get(TRACE_PATH, async (context) => {
    const parsed = parseQuery(context, traceQuery);
    if ("refused" in parsed) return parsed.refused;
    if (!context.var.settings.traced) return tracingIsOff(context);
    const form = parsed.query.format ?? accepted(context);
    if (form === null) {
      const detail = `a trace is given as ${Object.values(FORMS).join(" or ")}`;
      return problem(context, 406, { code: "not_acceptable", detail });
    }
    const id = traceIdSchema.safeParse(context.req.param("id"));
    const trace = id.success ? await metricsHubStub(context.env).findTrace(id.data) : null;
    if (trace === null)
      return problem(context, 404, { code: "not_found", detail: "no trace of this id is kept" });
    if (form === "chrome") return context.json(chromeTrace(trace));
    const nonce = crypto.randomUUID();
    return context.html(tracePage(trace, nonce), 200, {
      "content-security-policy": tracePagePolicy(nonce),
    });
  });
}

function accepted(context: Context<ApiEnv>): Form | null {
  const forms: readonly Form[] = ["chrome", "html"];
  return preferredForm(context.req.header("accept"), forms, (form) => FORMS[form]);
}

function tracingIsOff(context: Context<ApiEnv>): Response {
  const detail = "tracing is off: the variable TRACE_ENABLED=true turns it on";
  return problem(context, 404, { code: "tracing_off", detail });
}
