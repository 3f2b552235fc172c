/** A reader is slow once its oldest unacked flush is older than this, and … */
export const SLOW_AGE_MS = 10_000;
/** … more than this is unacked: a quiet stream that is acked late harms nobody. */
export const SLOW_BYTES = 256 * 1_024;
/** Acks come every 5 s at most, so six in a row are lacking: such a reader is given up. */
export const MAX_UNACKED_AGE_MS = 30_000;
/** What a socket may hold for a reader that does not read: 30 of them fit beside an object's 128 MB. */
export const MAX_UNACKED_BYTES = 4 * 1_024 * 1_024;

/** What a connection has been sent and has not acked. */
export interface Unacked {
  /** Characters, which are bytes: flush frames are ASCII. */
  readonly bytes: number;
  /** When its oldest unacked flush went out, wall ms; null: everything is acked. */
  readonly oldestSentMs: number | null;
}

/** How a reader stands; `ageMs` is that of its oldest unacked flush. */
export type ReaderVerdict =
  | { readonly kind: "well" }
  | { readonly kind: "slow" | "lost"; readonly ageMs: number; readonly bytes: number };

/** Judges a reader by what it has not acked at `nowMs` of the wall clock. */
export function judgeReader({ bytes, oldestSentMs }: Unacked, nowMs: number): ReaderVerdict {
  const ageMs = oldestSentMs === null ? 0 : Math.max(nowMs - oldestSentMs, 0);
  if (ageMs >= MAX_UNACKED_AGE_MS || bytes >= MAX_UNACKED_BYTES)
    return { kind: "lost", ageMs, bytes };
  if (ageMs > SLOW_AGE_MS && bytes > SLOW_BYTES) return { kind: "slow", ageMs, bytes };
  return { kind: "well" };
}
