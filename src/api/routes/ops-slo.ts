import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import { registerRead } from "../parameters.ts";
import { countParam } from "../query-values.ts";
import { problem } from "../problem.ts";
import { errorText, log } from "../../platform/log.ts";
import { sloMonitorStub } from "../../platform/stubs.ts";
import { sloView, sloViewSchema } from "../slo-view.ts";

const querySchema = z.object({ samples: countParam(1, 100, 20) });

/**
 * `GET /ops/slo`: whether the bars that are due are in Postgres, as the last samples found it; the error
 * budgets of the last session's date; and some of the symbols that lack one.
 */
export function registerOpsSlo(app: OpenAPIHono<ApiEnv>): void {
  const route = {
    path: "/ops/slo",
    summary: "Service levels: violation rates, error budgets and the last samples",
    query: querySchema,
    answer: sloViewSchema,
  };
  registerRead(app, route, async (context, query) => {
    try {
      const status = await sloMonitorStub(context.env).status(query.samples);
      return context.json(sloView(status));
    } catch (error) {
      log("warn", "the monitor of service levels did not answer", { error: errorText(error) });
      const detail = "the monitor did not answer: ask again";
      return problem(context, 503, { code: "unavailable", detail });
    }
  });
}
