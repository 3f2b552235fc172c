import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { EpochMs } from "../domain/time.ts";
import { marketClock } from "./clocks.ts";

/**
 * The one alarm of an object, armed at the earliest of its duties, in the same turn that wrote the duty. An
 * alarm that is past and did not fire is armed again at the next call: the minute's ping is the watchdog.
 * Stepped market time has no alarms: its driver runs what is due.
 */
export class AlarmKeeper {
  #storage: DurableObjectStorage;
  #nextDueMs: () => EpochMs | null;
  /** The alarm that this instance armed last; null when it does not know of one. */
  #armedMs: EpochMs | null = null;

  constructor(storage: DurableObjectStorage, nextDueMs: () => EpochMs | null) {
    this.#storage = storage;
    this.#nextDueMs = nextDueMs;
  }

  /** The alarm has fired: it is used up. */
  fired(): void {
    this.#armedMs = null;
  }

  ensure(): void {
    if (marketClock.stepped) return;
    const nextMs = this.#nextDueMs();
    if (nextMs === null) return;
    const atMs = Math.max(nextMs, Date.now() + 1);
    const armed = this.#armedMs !== null && this.#armedMs > Date.now() && this.#armedMs <= atMs;
    if (armed) return;
    this.#armedMs = atMs;
    void this.#storage.setAlarm(atMs);
  }
}
