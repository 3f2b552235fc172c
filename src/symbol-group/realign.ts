import type { EpochMs } from "../domain/time.ts";

/** Where Postgres stands in a stream: its last stored flush and the knowledge time it has promised. */
export interface StoredPosition {
  readonly epoch: string;
  readonly fs: number;
  readonly asOfMs: EpochMs;
}

/** Where the log of a stream stands. */
export interface LogPosition {
  readonly epoch: string;
  readonly drainedFs: number;
  readonly headFs: number;
  /** The oldest flush that is still held; null when the log is empty. */
  readonly oldestFs: number | null;
  /** Knowledge time of a flush; null when the log does not hold it. */
  readonly asOfMsOf: (fs: number) => EpochMs | null;
  /** Flushes may be missing: what Postgres lost and the log dropped stays lost. */
  readonly mayMiss: boolean;
}

/**
 * How a stream and Postgres come together again.
 * - `skip`: an earlier try committed more than was known: go on behind `toFs`.
 * - `rewind`: Postgres was set back to an earlier time, and the log holds what it lost: drain again
 *   from behind `toFs`.
 * - `renew`: their numbers do not mean the same flushes, or the log lacks what Postgres lost: the stream
 *   begins a new epoch, and what Postgres does not hold is fetched again.
 */
export type Realignment =
  | { readonly kind: "skip" | "rewind"; readonly toFs: number }
  | { readonly kind: "renew"; readonly why: string };

/** Decides it, from where both stand; null is a Postgres that knows nothing of the stream. */
export function realign(stored: StoredPosition | null, log: LogPosition): Realignment {
  if (stored !== null && stored.epoch > log.epoch)
    return { kind: "renew", why: `Postgres knows a later epoch, ${stored.epoch}` };
  const sameEpoch = stored !== null && stored.epoch === log.epoch;
  const fs = sameEpoch ? stored.fs : 0;
  if (sameEpoch) {
    // An object that was set back to an earlier time gives its numbers a second time.
    if (fs > log.headFs)
      return { kind: "renew", why: `Postgres holds flush ${fs}, the log ends at ${log.headFs}` };
    const asOfMs = log.asOfMsOf(fs);
    if (asOfMs !== null && asOfMs > stored.asOfMs)
      return { kind: "renew", why: `flush ${fs} of the log is younger than the stored one` };
  }
  if (fs >= log.drainedFs) return { kind: "skip", toFs: fs };
  if (log.mayMiss || (log.oldestFs ?? log.headFs + 1) <= fs + 1)
    return { kind: "rewind", toFs: fs };
  return { kind: "renew", why: `Postgres stands at flush ${fs}, which has left the log` };
}
