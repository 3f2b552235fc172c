import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { isCanonicalSymbol } from "../../domain/symbol.ts";
import { toIso } from "../../domain/time.ts";
import { formatTradingDate, parseTradingDate } from "../../domain/trading-date.ts";
import { type KnownMetrics, readOptions } from "../../postgres/options-reads.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { datesOf } from "../date-range.ts";
import { startOfPage } from "../known-page.ts";
import { registerRead } from "../parameters.ts";
import { countParam, dateParam, instantParam } from "../query-values.ts";

const MAX_ROWS = 10_000;

const metricsSchema = z.object({
  underlying: z.string(),
  date: z.iso.date(),
  put_call_volume: z.number().nullable(),
  put_call_open_interest: z.number().nullable(),
  atm_iv: z.number().nullable(),
  skew: z.number().nullable(),
  skew_method: z.enum(["delta_25", "moneyness_95_105"]).nullable(),
  expiry: z.iso.date().nullable(),
  underlying_price: z.number().nullable(),
  contracts: z.number(),
  source: z.string(),
  revision: z.number(),
  as_of: z.iso.datetime(),
});

const route = {
  path: "/v1/options-metrics",
  summary:
    "What the options of an underlying said after the close: put/call ratios, volatility, skew",
  query: z.object({
    underlying: z.string().refine(isCanonicalSymbol, "not a canonical symbol").optional(),
    start: dateParam.optional(),
    end: dateParam.optional(),
    as_of: instantParam.optional(),
    limit: countParam(1, MAX_ROWS, 1_000),
    page_token: z.string().max(200).optional(),
  }),
  answer: z.object({
    metrics: z.array(metricsSchema),
    as_of: z.iso.datetime(),
    next_page_token: z.string().nullable(),
  }),
};

/**
 * `GET /v1/options-metrics`: one underlying or all that are read, by underlying and trading date, `start` and
 * `end` included, as known at `as_of` (default: now; echoed, and pages keep it). Null: the chain did not say.
 */
export function registerOptions(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, query) => {
    const dates = datesOf(context, query);
    if ("refused" in dates) return dates.refused;
    const { from, through } = dates;
    const underlying = query.underlying ?? null;
    const page = startOfPage(
      context,
      query,
      ["options", underlying ?? "", from, through].join("|"),
      "date",
    );
    if ("refused" in page) return page.refused;
    const rows = await readOptions(sqlClientOf(context.var.settings), {
      underlying,
      from,
      through,
      asOfMs: page.asOfMs,
      after: { underlying: page.after.symbol, date: formatTradingDate(page.after.ts) },
      limit: query.limit,
    });
    const last = rows.length === query.limit ? rows.at(-1) : undefined;
    const next = last && page.next(last.underlying, parseTradingDate(last.date));
    return context.json({
      metrics: rows.map(metricsView),
      as_of: toIso(page.asOfMs),
      next_page_token: next ?? null,
    });
  });
}

function metricsView({ asOfMs, ...metrics }: KnownMetrics): z.infer<typeof metricsSchema> {
  return { ...metrics, as_of: toIso(asOfMs) };
}
