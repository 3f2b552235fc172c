import type { TradingSession } from "../../src/domain/calendar.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { type EpochMs, MINUTE_MS } from "../../src/domain/time.ts";
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

/** Symbols of a group that were said not to have traded in a minute, and did. */
export interface FalseAbsence {
  readonly stream: string;
  readonly ts: EpochMs;
  readonly symbols: number;
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
}: SaidAbsences): FalseAbsence[] | null {
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
  return [...mostNoTrade].flatMap(([key, said]) => {
    const symbols = said - (truth.get(key) ?? 0);
    const [stream = "", ts = ""] = key.split(" ");
    return symbols > 0 ? [{ stream, ts: Number(ts), symbols }] : [];
  });
}
