import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { toIso } from "../../domain/time.ts";
import { formatTradingDate, parseTradingDate } from "../../domain/trading-date.ts";
import { type KnownAction, readActions } from "../../postgres/action-reads.ts";
import { sqlClientOf } from "../../postgres/service-client.ts";
import type { ApiEnv } from "../api-env.ts";
import { datesOf } from "../date-range.ts";
import { startOfPage } from "../known-page.ts";
import { registerRead } from "../parameters.ts";
import { countParam, dateParam, instantParam, symbolsParam } from "../query-values.ts";

const MAX_ROWS = 10_000;

const actionSchema = z.object({
  symbol: z.string(),
  ex_date: z.iso.date(),
  kind: z.literal("split"),
  /** New shares for an old one. */
  factor: z.number(),
  split_from: z.number(),
  split_to: z.number(),
  cancelled: z.boolean(),
  source: z.string(),
  revision: z.number(),
  as_of: z.iso.datetime(),
});

const route = {
  path: "/v1/corporate-actions",
  summary: "Splits by symbol and ex-date as they were known at `as_of`, announced ones too",
  query: z.object({
    symbols: symbolsParam.optional(),
    start: dateParam.optional(),
    end: dateParam.optional(),
    include: z.literal("cancelled").optional(),
    as_of: instantParam.optional(),
    limit: countParam(1, MAX_ROWS, 1_000),
    page_token: z.string().max(200).optional(),
  }),
  answer: z.object({
    actions: z.array(actionSchema),
    as_of: z.iso.datetime(),
    next_page_token: z.string().nullable(),
  }),
};

/**
 * `GET /v1/corporate-actions`: of some symbols or of all, with ex-dates from `start` to `end`, both
 * included (default: all that are known). `as_of` (default: now) is echoed, and pages keep it. With
 * `include=cancelled` also those that their source has withdrawn by then.
 */
export function registerCorporateActions(app: OpenAPIHono<ApiEnv>): void {
  registerRead(app, route, async (context, query) => {
    const dates = datesOf(context, query);
    if ("refused" in dates) return dates.refused;
    const { from, through } = dates;
    const shape = ["actions", query.symbols ?? "", from, through, query.include ?? ""].join("|");
    const page = startOfPage(context, query, shape, "date");
    if ("refused" in page) return page.refused;
    const rows = await readActions(sqlClientOf(context.var.settings), {
      symbols: query.symbols ?? null,
      from,
      through,
      asOfMs: page.asOfMs,
      cancelled: query.include === "cancelled",
      after: { symbol: page.after.symbol, exDate: formatTradingDate(page.after.ts) },
      limit: query.limit,
    });
    const last = rows.length === query.limit ? rows.at(-1) : undefined;
    const next = last && page.next(last.symbol, parseTradingDate(last.ex_date));
    return context.json({
      actions: rows.map(actionView),
      as_of: toIso(page.asOfMs),
      next_page_token: next ?? null,
    });
  });
}

function actionView({ asOfMs, ...action }: KnownAction): z.infer<typeof actionSchema> {
  return { ...action, as_of: toIso(asOfMs) };
}
