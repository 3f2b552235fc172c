import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { isCanonicalSymbol } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import { MAX_BAR_REVISIONS, readRevisions } from "../../postgres/revisions-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { barView, barViewSchema } from "../bar-view.ts";
import { registerRead } from "../parameters.ts";
import { instantParam } from "../query-values.ts";
import { invalidParameters } from "../parse-query.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

const revisionSchema = barViewSchema.extend({
  /** When the request was sent that brought it. */
  asked_at: z.iso.datetime(),
  /** Whether it is what is believed now. */
  current: z.boolean(),
});

const route = {
  path: "/v1/bars/:symbol/revisions",
  summary: "What was ever believed of one bar, by whom and since when, oldest first",
  params: z.object({ symbol: z.string() }),
  query: z.object({ interval: z.enum(["1m", "1d"]).default("1m"), ts: instantParam }),
  answer: z.object({
    revisions: z.array(revisionSchema),
    symbol: z.string(),
    interval: z.string(),
    ts: z.iso.datetime(),
    /** There are older beliefs than those in the answer. */
    truncated: z.boolean(),
  }),
  row: revisionSchema,
};

/**
 * `GET /v1/bars/{symbol}/revisions`: the history of belief of the bar that starts at `ts` (of a daily bar 00:00 UTC
 * of its trading date), as far as Postgres has it; of a bar of which nothing was ever believed it is empty. Grows
 * with each revision, so it is never kept.
 */
export function registerBarRevisions(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, { interval, ts }) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const symbol = context.req.param("symbol") ?? "";
    if (!isCanonicalSymbol(symbol))
      return invalidParameters(context, [{ field: "symbol", message: "not a canonical symbol" }]);
    const beliefs = await readRevisions(sqlClientOf(context.var.settings), {
      symbol,
      interval,
      ts,
    });
    return await answerRows(context, format, {
      name: "revisions",
      columns: Object.keys(revisionSchema.shape),
      rows: beliefs.map((belief) => ({
        ...barView(belief),
        asked_at: toIso(belief.askedAtMs),
        current: belief.current,
      })),
      facts: { symbol, interval, ts: toIso(ts) },
      beside: { truncated: beliefs.length === MAX_BAR_REVISIONS },
      sources: beliefs.map(({ provider, feed }) => `${provider}/${feed}`),
      isPinned: false,
    });
  });
}
