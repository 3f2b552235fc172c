import { z } from "@hono/zod-openapi";
import { isRollup } from "../domain/interval.ts";
import { toIso } from "../domain/time.ts";
import {
  BAR_COLUMNS,
  barView,
  barViewSchema,
  noTradeView,
  noTradeViewSchema,
  rollupView,
  rollupViewSchema,
} from "./bar-view.ts";
import { type BarsPage, isRollupBar } from "./bars-page.ts";
import type { BarsParameters } from "./bars-query.ts";
import type { BarsTimes } from "./bars-times.ts";
import type { Row } from "./encode-rows.ts";
import type { SymbolMinute } from "./no-trade.ts";
import type { RowsAnswer } from "./rows-answer.ts";

/** A row of `GET /v1/bars`: as it is stored, worked out from minutes, or a minute without a trade. */
export const barsRowSchema = z.union([barViewSchema, rollupViewSchema, noTradeViewSchema]);

/** What `GET /v1/bars` answers as JSON. */
export const barsAnswerSchema = z.object({
  bars: z.array(barsRowSchema),
  interval: z.string(),
  knowledge: z.string(),
  adjust: z.string(),
  as_of: z.iso.datetime(),
  horizon: z.iso.datetime(),
  next_page_token: z.string().nullable(),
});

/** A page of bars as an answer, with minutes without a trade among them; `nextToken` null after the last page. */
export function barsAnswer(
  query: BarsParameters,
  times: BarsTimes,
  bars: BarsPage["bars"],
  nextToken: string | null,
  noTrade: readonly SymbolMinute[] = [],
): RowsAnswer {
  const rows: Row[] = bars.map((bar) => (isRollupBar(bar) ? rollupView(bar) : barView(bar)));
  const merged =
    noTrade.length === 0
      ? rows
      : inOrder([...rows, ...noTrade.map(({ symbol, ts }) => noTradeView(symbol, ts))], query);
  return {
    name: "bars",
    columns: [
      ...BAR_COLUMNS,
      ...(isRollup(query.interval) ? ["bars"] : []),
      ...(query.include === undefined ? [] : ["no_trade"]),
    ],
    rows: merged,
    facts: {
      interval: query.interval,
      knowledge: query.knowledge,
      adjust: query.adjust,
      as_of: toIso(times.asOfMs),
      horizon: toIso(times.horizonMs),
      next_page_token: nextToken,
    },
    sources: bars.flatMap((bar) =>
      isRollupBar(bar) ? bar.sources : [`${bar.provider}/${bar.feed}`],
    ),
    isPinned: times.isPinned,
  };
}

/** By symbol and start: RFC 3339 of one length sorts as the instants do. */
function inOrder(rows: readonly Row[], { sort }: BarsParameters): Row[] {
  const way = sort === "desc" ? -1 : 1;
  const key = (row: Row, column: string) => String(row[column]);
  return rows.toSorted((a, b) => {
    const bySymbol = compare(key(a, "symbol"), key(b, "symbol"));
    return bySymbol === 0 ? way * compare(key(a, "ts"), key(b, "ts")) : bySymbol;
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
