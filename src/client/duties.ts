import type { EpochMs } from "../domain/time.ts";
import type { ClientClock } from "./client-deps.ts";

/** Platforms take a delay in 31 bits; a later duty is looked at again on the way. */
const MAX_DELAY_MS = 3_600_000;

/** Named things to do at a time, on one timer: the minimum over all of them. */
export class Duties {
  #clock: ClientClock;
  #rows = new Map<string, { readonly dueMs: EpochMs; readonly act: () => void }>();
  #timer: { readonly dueMs: EpochMs; readonly cancel: () => void } | null = null;

  constructor(clock: ClientClock) {
    this.#clock = clock;
  }

  /** Puts a duty in the place of the one of that name; null takes it away. */
  set(name: string, dueMs: EpochMs | null, act: () => void): void {
    if (dueMs === null) this.#rows.delete(name);
    else this.#rows.set(name, { dueMs, act });
    this.#arm();
  }

  clear(): void {
    this.#rows.clear();
    this.#arm();
  }

  #arm(): void {
    const dueMs = Math.min(...[...this.#rows.values()].map((row) => row.dueMs));
    if (this.#timer?.dueMs === dueMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, dueMs - this.#clock.now()), MAX_DELAY_MS);
    this.#timer = { dueMs, cancel: this.#clock.after(delayMs, () => this.#run()) };
  }

  #run(): void {
    this.#timer = null;
    const nowMs = this.#clock.now();
    const due = [...this.#rows].filter(([, row]) => row.dueMs <= nowMs);
    for (const [name, row] of due) {
      // One that another of this turn has replaced or taken away is not due any more.
      if (this.#rows.get(name) !== row) continue;
      this.#rows.delete(name);
      row.act();
    }
    this.#arm();
  }
}
