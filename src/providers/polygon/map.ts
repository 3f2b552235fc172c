import type { Bar } from "../../domain/bar.ts";
import type { PolygonAggsPage, PolygonBar } from "./schema.ts";

/** Preferred shares, canonical `ROOT.PR` or `ROOT.PRL`. */
const PREFERRED = /\.PR[A-Z]?$/;

/**
 * Polygon's ticker of a canonical symbol: the same text (`BRK.B`, `ABC.WS`, `ABC.U`). Null when it
 * can't be mapped and must not be asked: preferred shares are `BACpL` in one endpoint and `BACPL` in
 * another, and the wrong spelling would answer an empty 200, which reads as "did not trade".
 */
export function toPolygonTicker(symbol: string): string | null {
  return PREFERRED.test(symbol) ? null : symbol;
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
