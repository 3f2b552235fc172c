import type { EpochMs } from "../domain/time.ts";

/** A version counts for so long after the last act by it, wall ms. */
const WATCHED_MS = 300_000;
/** Versions in a row that are told apart; beyond them the middle ones are forgotten. */
const MAX_WATCHED = 256;

/**
 * The lowest version of the configuration that was acted by in the last five minutes. Kept as a run of
 * rising versions: an act by a lower or equal one outlives those above it.
 */
export class VersionWatch {
  #acts: { readonly version: number; readonly atMs: EpochMs }[] = [];

  /** Somebody acted by this version. */
  note(version: number, nowMs: EpochMs): void {
    while ((this.#acts.at(-1)?.version ?? -1) >= version) this.#acts.pop();
    if (this.#acts.length >= MAX_WATCHED) this.#acts.splice(MAX_WATCHED / 2, 1);
    this.#acts.push({ version, atMs: nowMs });
  }

  /** Null when nobody acted. */
  lowest(nowMs: EpochMs): number | null {
    const first = this.#acts.findIndex(({ atMs }) => nowMs - atMs <= WATCHED_MS);
    this.#acts = first === -1 ? [] : this.#acts.slice(first);
    return this.#acts[0]?.version ?? null;
  }
}
