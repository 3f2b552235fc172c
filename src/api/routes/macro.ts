import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { MACRO_FACTORS } from "../../domain/macro.ts";
import { toIso } from "../../domain/time.ts";
import { formatTradingDate, parseTradingDate } from "../../domain/trading-date.ts";
import { type KnownFactor, readFactors } from "../../postgres/macro-reads.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { datesOf } from "../date-range.ts";
import { startOfPage } from "../known-page.ts";
import { registerRead } from "../parameters.ts";
import { countParam, dateParam, instantParam } from "../query-values.ts";

const MAX_ROWS = 10_000;

const factorSchema = z.object({
  factor: z.enum(MACRO_FACTORS),
  date: z.iso.date(),
  value: z.number(),
  sample: z.number(),
  detail: z.record(z.string(), z.union([z.number(), z.string()])),
  revision: z.number(),
  as_of: z.iso.datetime(),
});

const route = {
  path: "/v1/macro",
  summary: "The market as a whole by trading date: breadth, advance/decline, volatility, regime",
  query: z.object({
    factor: z.enum(MACRO_FACTORS).optional(),
    start: dateParam.optional(),
    end: dateParam.optional(),
    as_of: instantParam.optional(),
    limit: countParam(1, MAX_ROWS, 1_000),
    page_token: z.string().max(200).optional(),
  }),
  answer: z.object({
    factors: z.array(factorSchema),
    as_of: z.iso.datetime(),
    next_page_token: z.string().nullable(),
  }),
};

/**
 * `GET /v1/macro`: one factor or all, by factor and trading date, `start` and `end` included, as known at
 * `as_of` (default: now; echoed, and pages keep it).
 */
export function registerMacro(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, query) => {
    const dates = datesOf(context, query);
    if ("refused" in dates) return dates.refused;
    const { from, through } = dates;
    const page = startOfPage(
      context,
      query,
      ["macro", query.factor ?? "", from, through].join("|"),
      "date",
    );
    if ("refused" in page) return page.refused;
    const rows = await readFactors(sqlClientOf(context.var.settings), {
      factor: query.factor ?? null,
      from,
      through,
      asOfMs: page.asOfMs,
      after: { factor: page.after.symbol, date: formatTradingDate(page.after.ts) },
      limit: query.limit,
    });
    const last = rows.length === query.limit ? rows.at(-1) : undefined;
    const next = last && page.next(last.factor, parseTradingDate(last.date));
    return context.json({
      factors: rows.map(factorView),
      as_of: toIso(page.asOfMs),
      next_page_token: next ?? null,
    });
  });
}

function factorView({ asOfMs, ...factor }: KnownFactor): z.infer<typeof factorSchema> {
  return { ...factor, as_of: toIso(asOfMs) };
}
