import type { ListedHole } from "../contracts/backfill.ts";
import { type DeadLetter, deadLetterId } from "../contracts/dead-letter.ts";
import type { Tier } from "../domain/tier.ts";
import type { EpochMs } from "../domain/time.ts";
import type { HeldHole } from "./hole-table.ts";
import type { SettledHole } from "./settle-hole.ts";

/** The letter of a hole that died at `diedMs`. */
export function letterOf(
  { hole, reason }: NonNullable<SettledHole["dead"]>,
  tier: Tier,
  diedMs: EpochMs,
): DeadLetter {
  const { group, symbol, interval, startMs, endMs, priority, attempts, history } = hole;
  return {
    v: 1,
    id: deadLetterId({ ...hole, tier }),
    tier,
    group,
    symbol,
    interval,
    start_ms: startMs,
    end_ms: endMs,
    priority,
    attempts,
    reason,
    last_error: history.at(-1)?.error ?? "",
    history: [...history],
    enqueued_ms: hole.enqueuedMs,
    died_ms: diedMs,
  };
}

/** A held hole for the operator; `leaseUntilMs` of the job that has it. */
export function listedHole(hole: HeldHole, leaseUntilMs: EpochMs | undefined): ListedHole {
  const { id, group, symbol, interval, startMs, endMs, priority, origin, attempts } = hole;
  return {
    id,
    group,
    symbol,
    interval,
    startMs,
    endMs,
    priority,
    origin,
    attempts,
    state: hole.run === null ? "queued" : "running",
    enqueuedMs: hole.enqueuedMs,
    dueMs: leaseUntilMs ?? hole.dueMs,
    lastError: hole.history.at(-1)?.error ?? null,
  };
}

/** A dead hole for the operator, from its letter; it is nobody's row any more, so its id is -1. */
export function listedLetter(letter: DeadLetter): ListedHole {
  const { group, symbol, interval, priority, attempts } = letter;
  return {
    id: -1,
    group,
    symbol,
    interval,
    priority,
    attempts,
    startMs: letter.start_ms,
    endMs: letter.end_ms,
    origin: "gap",
    state: "dead",
    enqueuedMs: letter.enqueued_ms,
    dueMs: letter.died_ms,
    lastError: letter.last_error,
  };
}
