import type { EpochMs } from "../domain/time.ts";

/** When the silence of each stream becomes a fault, by the service's clock; what was told is not told again. */
export class Lateness {
  #offsetMs = 0;
  #dueMs = new Map<string, EpochMs>();
  #firstDueMs: EpochMs | undefined;
  /** What the last flush of a replay said: the ones before it speak of times that are past. */
  #replayedDueMs = new Map<string, EpochMs | undefined>();

  /** Starts anew with a greeting: the service's clock, and when data of any stream of bars is due. */
  greet(serviceMs: EpochMs, nowMs: EpochMs, firstDueMs: EpochMs): void {
    this.#offsetMs = serviceMs - nowMs;
    this.#firstDueMs = firstDueMs;
    this.#dueMs.clear();
    this.#replayedDueMs.clear();
  }

  /** A stream of bars is followed, and said nothing yet. */
  expectFirst(stream: string): void {
    this.expect(stream, this.#firstDueMs);
  }

  /** A stream said when its next flush is due; undefined: nothing is. */
  expect(stream: string, dueMs: EpochMs | undefined): void {
    if (dueMs === undefined) this.#dueMs.delete(stream);
    else this.#dueMs.set(stream, dueMs);
  }

  /** A replayed flush of a stream said when its next one was due. */
  noteReplayed(stream: string, dueMs: EpochMs | undefined): void {
    this.#replayedDueMs.set(stream, dueMs);
  }

  /** A replay is whole: what its last flush said holds now. */
  endReplay(stream: string): void {
    if (!this.#replayedDueMs.has(stream)) return;
    this.expect(stream, this.#replayedDueMs.get(stream));
    this.#replayedDueMs.delete(stream);
  }

  /** When to look, by the client's clock; null when nothing is due. */
  nextMs(): EpochMs | null {
    const dueMs = Math.min(...this.#dueMs.values());
    // Due is until then: a moment later it is late.
    return dueMs === Infinity ? null : dueMs - this.#offsetMs + 1;
  }

  /** The streams that are late now, and since when the first of them is; null when none is. */
  takeLate(
    nowMs: EpochMs,
  ): { readonly streams: readonly string[]; readonly dueMs: EpochMs } | null {
    const late = [...this.#dueMs].filter(([, dueMs]) => nowMs + this.#offsetMs > dueMs);
    if (late.length === 0) return null;
    for (const [stream] of late) this.#dueMs.delete(stream);
    return {
      streams: late.map(([stream]) => stream),
      dueMs: Math.min(...late.map(([, dueMs]) => dueMs)),
    };
  }
}
