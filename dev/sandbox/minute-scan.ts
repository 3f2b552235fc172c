import { MINUTE_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";

/** The bar that a dialect serves now for a minute; undefined when there is none (yet). */
export type LookUp = (symbol: string, ts: EpochMs) => MarketBar | undefined;

/** A place in a scan: the next minute to look at. */
export interface ScanPlace {
  readonly symbol: string;
  readonly ts: EpochMs;
}

/** Minutes to look through: symbol by symbol in the given order, then by time. */
export interface Scan {
  readonly symbols: readonly string[];
  /** Inclusive at both ends, any instant: minutes whose START lies between are meant. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly order: "asc" | "desc";
  /** Points of a page, over all symbols. */
  readonly limit: number;
  /** Where an earlier page ended; null for the first page. */
  readonly from: ScanPlace | null;
}

/**
 * Minutes looked at in one page. A longer range ends its page early, with a place to go on from: the
 * real APIs do so too ("loop on the token, not on the row count"), and no request can hold the loop.
 */
export const MAX_SCANNED_MINUTES = 1_000_000;

/**
 * Hand each bar of a page to `emit` and tell where the next page begins: at the next bar, so that the
 * last page is known to be the last; null when nothing is left.
 */
export function scanMinutes(
  scan: Scan,
  lookUp: LookUp,
  emit: (symbol: string, ts: EpochMs, bar: MarketBar) => void,
): ScanPlace | null {
  const first = Math.ceil(scan.startMs / MINUTE_MS) * MINUTE_MS;
  const last = Math.floor(scan.endMs / MINUTE_MS) * MINUTE_MS;
  const begin = scan.order === "asc" ? first : last;
  const stepMs = scan.order === "asc" ? MINUTE_MS : -MINUTE_MS;
  const firstSymbol = scan.from === null ? 0 : scan.symbols.indexOf(scan.from.symbol);
  let emitted = 0;
  let scanned = 0;
  for (const symbol of scan.symbols.slice(Math.max(0, firstSymbol))) {
    const from = symbol === scan.from?.symbol ? scan.from.ts : begin;
    for (let ts = from; ts >= first && ts <= last; ts += stepMs) {
      if (scanned === MAX_SCANNED_MINUTES) return { symbol, ts };
      scanned += 1;
      const bar = lookUp(symbol, ts);
      if (bar === undefined) continue;
      if (emitted === scan.limit) return { symbol, ts };
      emit(symbol, ts, bar);
      emitted += 1;
    }
  }
  return null;
}
