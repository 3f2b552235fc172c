import type { EpochMs } from "../domain/time.ts";

/** When the silence of each stream becomes a fault, by the service's clock; what was told is not told again. */
export class Lateness {
  #offsetMs = 0;
  #dueMs = new Map<string, EpochMs>();

  /** Starts anew with a greeting: the service's clock, and when data of any stream is due. */
  greet(serviceMs: EpochMs, nowMs: EpochMs): void {
    this.#offsetMs = serviceMs - nowMs;
    this.#dueMs.clear();
  }

  /** A stream said when its next flush is due; undefined: nothing is. */
  expect(stream: string, dueMs: EpochMs | undefined): void {
    if (dueMs === undefined) this.#dueMs.delete(stream);
    else this.#dueMs.set(stream, dueMs);
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
