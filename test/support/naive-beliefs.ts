import type { Flush, FlushRow } from "../../src/contracts/flush.ts";
import type { MinuteBar } from "./naive-rollup.ts";

/** A belief about a minute, in the order in which it came to be known. */
export interface NaiveBelief extends MinuteBar {
  readonly feed: string;
  readonly status: string;
  readonly revision: number;
}

/** What to read: as `BarsQuery`, of minutes. */
export interface NaiveQuery {
  readonly symbols: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  readonly asOfMs: number;
  readonly storedByMs?: number;
  readonly feed?: string | undefined;
}

/** Every belief of some flushes, one after the other. */
export function beliefsOf(flushes: readonly Flush[]): NaiveBelief[] {
  return flushes.flatMap((flush) => flush.rows.map((row) => beliefOf(row, flush.as_of)));
}

/** The minutes that are believed at a time: of all beliefs that were known, the one that came last. */
export function naiveBars(beliefs: readonly NaiveBelief[], query: NaiveQuery): NaiveBelief[] {
  const held = new Map<string, NaiveBelief>();
  for (const belief of beliefs) {
    if (!query.symbols.includes(belief.symbol)) continue;
    if (belief.ts < query.startMs || belief.ts >= query.endMs) continue;
    if (!isKnown(belief, query)) continue;
    held.set(`${belief.symbol} ${belief.ts}`, belief);
  }
  return [...held.values()]
    .filter((belief) => query.feed === undefined || belief.feed === query.feed)
    .toSorted((a, b) => (a.symbol === b.symbol ? a.ts - b.ts : a.symbol < b.symbol ? -1 : 1));
}

function isKnown(belief: NaiveBelief, { asOfMs, storedByMs = asOfMs }: NaiveQuery): boolean {
  if (belief.asOfMs <= asOfMs) return true;
  const isHistory = belief.status === "backfilled" && belief.revision === 0;
  return isHistory && belief.asOfMs <= storedByMs && belief.ts + 60_000 + 90_000 <= asOfMs;
}

function beliefOf(row: FlushRow, asOfMs: number): NaiveBelief {
  return {
    symbol: row[0],
    ts: row[1],
    open: row[2],
    high: row[3],
    low: row[4],
    close: row[5],
    volume: row[6],
    tradeCount: row[7],
    vwap: row[8],
    revision: row[9],
    feed: row[11],
    status: row[12],
    session: row[13],
    asOfMs,
  };
}
