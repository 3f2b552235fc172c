import { type DeadLetter, deadLetterId } from "../../src/contracts/dead-letter.ts";
import { OPEN_MS } from "./flushes.ts";

const MINUTE_MS = 60_000;

/** A letter about ten minutes of AAPL that died an hour after the open, unless told otherwise. */
export function deadLetter(change: Partial<DeadLetter> = {}): DeadLetter {
  const died = change.died_ms ?? OPEN_MS + 60 * MINUTE_MS;
  const letter = {
    v: 1 as const,
    tier: "T0" as const,
    group: 7,
    symbol: "AAPL",
    interval: "1m" as const,
    start_ms: OPEN_MS,
    end_ms: OPEN_MS + 10 * MINUTE_MS,
    priority: 0,
    attempts: 2,
    reason: "implausible" as const,
    last_error: "too few bars",
    history: [
      { at_ms: died - MINUTE_MS, reason: "malformed" as const, error: "not JSON" },
      { at_ms: died, reason: "implausible" as const, error: "too few bars" },
    ],
    enqueued_ms: OPEN_MS + 10 * MINUTE_MS,
    died_ms: died,
    ...change,
  };
  const { tier, symbol, interval, start_ms: startMs, end_ms: endMs } = letter;
  return { id: deadLetterId({ tier, symbol, interval, startMs, endMs }), ...letter };
}
