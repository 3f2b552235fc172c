import type { Bar } from "../../domain/bar.ts";
import { canonicalSymbol, isPreferred, isRight } from "../../domain/canonical-symbol.ts";
import { DAY_MS } from "../../domain/time.ts";
import { parseTradingDate, type TradingDate } from "../../domain/trading-date.ts";
import { withDay } from "../daily-bar.ts";
import type { PolygonAggsPage, PolygonBar, PolygonGroupedPage } from "./schema.ts";

/** A preferred share in the reference and in grouped daily: `BACpL`, `KIMp`. */
const PREFERRED_TICKER = /^([A-Z]{1,6})p([A-Z]?)$/;

/**
 * Polygon's ticker of a canonical symbol: the same text (`BRK.B`, `ABC.WS`, `ABC.U`). Null when it
 * can't be mapped and must not be asked: preferred shares are `BACpL` in one endpoint and `BACPL` in
 * another, rights are not documented, and the wrong spelling would answer an empty 200, which reads
 * as "did not trade".
 */
export function toPolygonTicker(symbol: string): string | null {
  return isPreferred(symbol) || isRight(symbol) ? null : symbol;
}

/** The canonical symbol of a ticker that Polygon wrote; null when it has none. */
export function fromPolygonTicker(ticker: string): string | null {
  const preferred = PREFERRED_TICKER.exec(ticker);
  return canonicalSymbol(preferred === null ? ticker : `${preferred[1]}.PR${preferred[2]}`);
}

/**
 * One Polygon aggregate.
 * - `t`: START of the bar in ms, UTC (of a range; grouped and previous-day answers say 16:00 ET).
 * - `o h l c`: US dollars a share, raw (we ask `adjusted=false`); 0 is not a value (validation refuses).
 * - `v`: shares, may be fractional; 0 IS a value: a bar with volume 0 is a bar.
 * - `n`: number of trades; 0 is a value, absent is unknown.
 * - `vw`: US dollars a share; 0 is not a value, absent or 0 is unknown. May lie outside [l, h].
 */
export function toBar(symbol: string, row: PolygonBar): Bar {
  return {
    symbol,
    ts: row.t,
    open: row.o,
    high: row.h,
    low: row.l,
    close: row.c,
    volume: row.v,
    vwap: row.vw === 0 ? null : (row.vw ?? null),
    tradeCount: row.n ?? null,
  };
}

/** The bars of a page under the canonical symbol that was asked; none when `results` is absent. */
export function toBars(symbol: string, page: PolygonAggsPage): Bar[] {
  return (page.results ?? []).map((row) => toBar(symbol, row));
}

/**
 * The bars of a grouped daily answer, all in the units of `toBar`, under the date that was ASKED: `t`
 * is the end of the session and was documented both ways (polygon issue 250). A row whose `t` is not
 * near that date keeps its own day, so that it is refused as outside the window. Rows without a
 * canonical symbol are left out: the answer holds more than we list.
 */
export function toDailyBars(date: TradingDate, page: PolygonGroupedPage): Bar[] {
  const asked = parseTradingDate(date);
  return (page.results ?? []).flatMap((row) => {
    const symbol = fromPolygonTicker(row.T);
    if (symbol === null) return [];
    const own = Math.floor(row.t / DAY_MS);
    // 00:00 UTC after the session still is the session's.
    const isNear = own === asked || own === asked + 1;
    return [withDay(toBar(symbol, row), isNear ? asked : own)];
  });
}
