import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { groupOf } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import { readLatestBars } from "../../postgres/latest-store.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { barView, barViewSchema } from "../bar-view.ts";
import { knownAt } from "../known-at.ts";
import { registerRead } from "../parameters.ts";
import { instantParam, symbolsParam } from "../query-values.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

const route = {
  path: "/v1/bars/latest",
  summary: "The last bar of each symbol as it was known at `as_of`, of whatever part of the day",
  query: z.object({
    symbols: symbolsParam,
    interval: z.enum(["1m", "1d"]).default("1m"),
    as_of: instantParam.optional(),
  }),
  answer: z.object({
    bars: z.array(barViewSchema),
    interval: z.string(),
    as_of: z.iso.datetime(),
    horizon: z.iso.datetime(),
    /** Symbols of which no bar was known. */
    without_bar: z.array(z.string()),
  }),
  row: barViewSchema,
};

/**
 * `GET /v1/bars/latest`: by symbol, the bar with the latest start that was known at `as_of` (default: now, lowered
 * to the horizon and echoed). It may be of a pre or post minute; its `session` says so.
 */
export function registerBarsLatest(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, { symbols, interval, as_of: pinnedMs }) => {
    const format = formatOf(context);
    if (format instanceof Response) return format;
    const { settings } = context.var;
    const sql = sqlClientOf(settings);
    const groups = [...new Set(symbols.map((symbol) => groupOf(symbol, settings.symbolGroups)))];
    const known = await knownAt(context, sql, groups, { pinnedMs, name: "as_of" });
    if ("refused" in known) return known.refused;
    const { asOfMs, horizonMs } = known;
    const bars = await readLatestBars(sql, { symbols, interval, asOfMs });
    const found = new Set(bars.map(({ symbol }) => symbol));
    return await answerRows(context, format, {
      name: "bars",
      columns: Object.keys(barViewSchema.shape),
      rows: bars.map(barView),
      facts: { interval, as_of: toIso(asOfMs), horizon: toIso(horizonMs) },
      beside: { without_bar: symbols.filter((symbol) => !found.has(symbol)) },
      sources: bars.map(({ provider, feed }) => `${provider}/${feed}`),
      isPinned: pinnedMs !== undefined,
    });
  });
}
