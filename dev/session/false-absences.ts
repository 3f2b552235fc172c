import type { TradingSession } from "../../src/domain/calendar.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { streamName } from "../../src/stream/token.ts";
import type { Market } from "../market/market.ts";

/** What really did not trade, and what was ever said not to have, by `stream ts`. */
export interface SaidAbsences {
  readonly market: Market;
  readonly sessions: readonly TradingSession[];
  readonly symbolGroups: number;
  /** Null when nobody listened. */
  readonly mostNoTrade: ReadonlyMap<string, number> | null;
}

/**
 * Minutes of symbols that were at some time said not to have traded, and did. The sandbox shows every
 * bar before its minute settles, so an honest answer never says so: these were taken from empty ones.
 * Null when nobody listened.
 */
export function falseAbsences({
  market,
  sessions,
  symbolGroups,
  mostNoTrade,
}: SaidAbsences): number | null {
  if (mostNoTrade === null) return null;
  const truth = new Map<string, number>();
  for (const { symbol } of market.symbols) {
    const stream = streamName({ group: groupOf(symbol, symbolGroups), class: "bars" });
    for (const { openMs, closeMs } of sessions) {
      for (let ts = openMs; ts < closeMs; ts += MINUTE_MS) {
        if (market.bar(symbol, ts) !== undefined) continue;
        const key = `${stream} ${ts}`;
        truth.set(key, (truth.get(key) ?? 0) + 1);
      }
    }
  }
  let count = 0;
  for (const [key, said] of mostNoTrade) count += Math.max(0, said - (truth.get(key) ?? 0));
  return count;
}
