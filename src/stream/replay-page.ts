import type { EpochMs } from "../domain/time.ts";

/** Where a replay of one stream starts: after a knowledge time, or after a flush of an epoch. */
export type ReplayFrom =
  | { readonly kind: "time"; readonly sinceMs: EpochMs }
  | { readonly kind: "position"; readonly epoch: string; readonly fs: number };

/** What a page of a replay is asked for; `limit` bounds the flushes that are read. */
export interface ReplayQuery {
  readonly from: ReplayFrom;
  /** Canonical symbols, or null for all of the group. */
  readonly symbols: readonly string[] | null;
  readonly limit: number;
  /** About as much of the log is read. */
  readonly maxBytes: number;
}

/** A page of a stream's replay, as wire frames. */
export interface ReplayPage {
  readonly stream: string;
  readonly epoch: string;
  readonly frames: readonly { readonly at: EpochMs; readonly fs: number; readonly text: string }[];
  /** Knowledge time of the oldest flush that is still here; null when the log is empty. */
  readonly oldestAt: EpochMs | null;
  /** Part of what was asked for has left the log. */
  readonly truncated: boolean;
  /** The first flush after this page; the next live one when the page reached the head. */
  readonly joinFs: number;
  readonly complete: boolean;
}
