import { describe, expect, it } from "vitest";
import {
  BAR_COLUMNS,
  barView,
  barViewSchema,
  noTradeView,
  noTradeViewSchema,
  rollupView,
  rollupViewSchema,
} from "../../../src/api/bar-view.ts";
import type { RollupBar, StoredBar } from "../../../src/postgres/stored-bar.ts";

const AT = Date.UTC(2026, 2, 20, 13, 30);
const values = {
  symbol: "AAPL",
  ts: AT,
  open: 1,
  high: 4,
  low: 0.5,
  close: 2,
  volume: 10.5,
  vwap: null,
  tradeCount: 7,
  asOfMs: AT + 65_000,
  session: "regular" as const,
};
const stored: StoredBar = {
  ...values,
  askedAtMs: AT + 62_000,
  provider: "alpaca",
  feed: "sip",
  status: "updated",
  revision: 1,
};
const rollup: RollupBar = {
  ...values,
  revision: 0,
  bars: 5,
  sources: ["alpaca/sip"],
  hasBackfilled: false,
};

describe("a bar in an answer", () => {
  it("has the columns of CSV, in their order, whatever its interval", () => {
    expect(Object.keys(barView(stored))).toEqual(BAR_COLUMNS);
    expect(Object.keys(rollupView(rollup))).toEqual([...BAR_COLUMNS, "bars"]);
    expect(Object.keys(noTradeView("AAPL", AT))).toEqual([...BAR_COLUMNS, "no_trade"]);
    expect(barViewSchema.parse(barView(stored))).toMatchObject({
      ts: "2026-03-20T13:30:00.000Z",
      as_of: "2026-03-20T13:31:05.000Z",
      trade_count: 7,
      vwap: null,
    });
    expect(noTradeViewSchema.parse(noTradeView("AAPL", AT)).close).toBeNull();
  });

  it("names all who gave its minutes, and says whether one was revised or is history", () => {
    const view = (change: Partial<RollupBar>) =>
      rollupViewSchema.parse(rollupView({ ...rollup, ...change }));
    expect(view({})).toMatchObject({ provider: "alpaca", feed: "sip", status: "first", bars: 5 });
    expect(view({ sources: ["alpaca/sip", "iex/iex", "polygon/sip"] })).toMatchObject({
      provider: "alpaca+iex+polygon",
      feed: "iex+sip",
    });
    expect(view({ hasBackfilled: true }).status).toBe("backfilled");
    expect(view({ hasBackfilled: true, revision: 3 })).toMatchObject({
      status: "updated",
      revision: 3,
    });
  });
});
