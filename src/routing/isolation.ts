import type { EpochMs } from "../domain/time.ts";

/** Longest text of a reason, characters. */
export const MAX_REASON_TEXT = 300;

/**
 * Whether a person holds a provider's breakers open. `revision` counts the acts on this provider (0:
 * none yet), so that of two tidings the later one is known, in whatever order they arrive.
 */
export interface Isolation {
  readonly revision: number;
  /** Since when (wall time) and why; null when it is not isolated. */
  readonly isolated: { readonly sinceMs: EpochMs; readonly reason: string | null } | null;
}

/** An act of an operator on a provider. `atMs` is wall time. */
export interface IsolationAct {
  readonly atMs: EpochMs;
  /** The key that was used, by its id. */
  readonly actor: string;
  readonly act: "isolate" | "release";
  readonly reason: string | null;
}
