import type { Bar } from "../../domain/bar.ts";
import { newYorkDayNumber } from "../../domain/new-york-time.ts";
import type { TimeRange } from "../../domain/time.ts";
import { withDay } from "../daily-bar.ts";
import type { AlpacaBar, AlpacaBarsPage } from "./schema.ts";

/**
 * One Alpaca bar. Canonical symbols are Alpaca's own spelling.
 * - `t`: START of the bar (left-closed), UTC.
 * - `o h l c`: US dollars a share, raw (we ask `adjustment=raw`); 0 is not a value (validation refuses).
 * - `v`: shares; 0 IS a value: a bar with volume 0 is a bar.
 * - `n`: number of trades; 0 is a value, absent is unknown.
 * - `vw`: US dollars a share; 0 is not a value, absent or 0 is unknown.
 */
export function toBar(symbol: string, row: AlpacaBar): Bar {
  return {
    symbol,
    ts: Date.parse(row.t),
    open: row.o,
    high: row.h,
    low: row.l,
    close: row.c,
    volume: row.v,
    vwap: row.vw === 0 ? null : (row.vw ?? null),
    tradeCount: row.n ?? null,
  };
}

/** The bars of a page in its own order; none when it is empty. */
export function toBars(page: AlpacaBarsPage): Bar[] {
  return Object.entries(page.bars ?? {}).flatMap(([symbol, rows]) =>
    rows.map((row) => toBar(symbol, row)),
  );
}

/**
 * A 1Day bar under 00:00 UTC of its trading date. Alpaca's `t` is 00:00 New York of that date (04:00Z
 * or 05:00Z). One outside the asked window keeps its `t`, so that it is refused.
 */
export function toDailyBar(bar: Bar, { startMs, endMs }: TimeRange): Bar {
  const isAsked = bar.ts >= startMs && bar.ts < endMs;
  return isAsked ? withDay(bar, newYorkDayNumber(bar.ts)) : bar;
}
