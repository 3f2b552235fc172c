import type { AttemptReason, HoleAttempt, HoleOrigin, OpenCause } from "../contracts/backfill.ts";
import { MAX_HOLE_ERROR, MAX_HOLE_HISTORY } from "../contracts/backfill.ts";
import { backoffMs } from "../domain/backoff.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";

/** A hole as its queue holds it. Times are market time. */
export interface QueuedHole extends TimeRange {
  readonly id: number;
  readonly group: number;
  readonly symbol: string;
  readonly interval: "1m" | "1d";
  readonly priority: number;
  readonly origin: HoleOrigin;
  readonly enqueuedMs: EpochMs;
  /** Answers that did not do, and tries that nobody answered. */
  readonly attempts: number;
  readonly waits: number;
  readonly dueMs: EpochMs;
  readonly history: readonly HoleAttempt[];
}

/** When a hole is tried again, and when no more. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** What of a hole goes on, and what of it died. */
export interface SettledHole {
  readonly kept: readonly QueuedHole[];
  readonly dead: { readonly hole: QueuedHole; readonly reason: AttemptReason } | null;
}

/** What nobody answered is tried again sooner than what was answered badly: it is no fault of the hole. */
const MAX_WAIT_MS = 5 * MINUTE_MS;
const FIRST_WAIT_MS = 15 * SECOND_MS;
const RETRY_GRID_MS = 15 * SECOND_MS;

/**
 * What becomes of a hole after a job that asked for `window`: the parts outside of it go on untried; of
 * what is still `open` inside (from its first to its last minute, null: nothing) an answer counts as an
 * attempt, a wait does not. A hole that has used its attempts up is dead; one of which nothing was answered
 * is not cut, else an outage would grind a queue into small pieces. Pure.
 */
export function settleHole(
  hole: QueuedHole,
  run: {
    readonly window: TimeRange;
    readonly open: TimeRange | null;
    readonly cause: OpenCause | null;
  },
  world: {
    readonly policy: RetryPolicy;
    readonly nowMs: EpochMs;
    readonly random: () => number;
    /** Whether anything of a range can be asked for at all. */
    readonly isFetchable: (range: TimeRange) => boolean;
  },
): SettledHole {
  const { window, open, cause } = run;
  const { nowMs } = world;
  const fresh = { attempts: 0, waits: 0, dueMs: nowMs, history: [] };
  const outside = [
    { startMs: hole.startMs, endMs: Math.min(hole.endMs, window.startMs) },
    { startMs: Math.max(hole.startMs, window.endMs), endMs: hole.endMs },
  ]
    .filter((range) => range.startMs < range.endMs && world.isFetchable(range))
    .map((range) => ({ ...hole, ...fresh, ...range }));
  if (open === null) return { kept: outside, dead: null };
  const isUntouched =
    open.startMs <= Math.max(hole.startMs, window.startMs) &&
    open.endMs >= Math.min(hole.endMs, window.endMs);
  if (isUntouched && cause?.kind !== "attempt")
    return { kept: [retried(hole, cause, world)], dead: null };
  const inside = retried({ ...hole, ...open }, cause, world);
  const last = inside.history.at(-1);
  if (cause?.kind === "attempt" && inside.attempts >= world.policy.attempts && last !== undefined)
    return { kept: outside, dead: { hole: inside, reason: last.reason } };
  return { kept: [inside, ...outside], dead: null };
}

/** A hole that is tried again as it is: nothing of its job counts. */
export function putOff(hole: QueuedHole, world: Parameters<typeof settleHole>[2]): SettledHole {
  return { kept: [retried(hole, null, world)], dead: null };
}

function retried(
  hole: QueuedHole,
  cause: OpenCause | null,
  { policy, nowMs, random }: Parameters<typeof settleHole>[2],
): QueuedHole {
  if (cause?.kind === "attempt") {
    const attempts = hole.attempts + 1;
    const tried = {
      at_ms: nowMs,
      reason: cause.reason,
      error: cause.error.slice(0, MAX_HOLE_ERROR),
    };
    const backoff = { baseMs: policy.backoffMs, maxMs: policy.maxBackoffMs };
    const history = [...hole.history, tried].slice(-MAX_HOLE_HISTORY);
    // Counted from the attempt that failed: the first wait is up to twice the base.
    const dueMs = togetherAt(nowMs + backoffMs(attempts, backoff, random));
    return { ...hole, attempts, history, dueMs };
  }
  // While nobody can be asked, the queue as a whole waits.
  if (cause?.wide === true) return { ...hole, dueMs: nowMs };
  const wait = { baseMs: FIRST_WAIT_MS, maxMs: MAX_WAIT_MS };
  const dueMs = togetherAt(nowMs + backoffMs(hole.waits + 1, wait, random));
  return { ...hole, waits: hole.waits + 1, dueMs };
}

/** Tries are put on common instants, so that holes of a group come back in one job and not each alone. */
function togetherAt(ms: EpochMs): EpochMs {
  return Math.ceil(ms / RETRY_GRID_MS) * RETRY_GRID_MS;
}
