import type { Position } from "../stream/token.ts";
import type { FeedEvent } from "./events.ts";

/** What one delivery brings; once its events are taken, the consumer has `stream` up to `position`. */
export interface QueueEntry {
  readonly events: readonly FeedEvent[];
  readonly stream: string;
  readonly position: Position;
  /** Length of the text it came in, about; 0: nothing to acknowledge. */
  readonly chars: number;
}

/** What waits for the consumer: in order, and counted, for the socket must not run ahead of it without end. */
export class EventQueue {
  #entries: QueueEntry[] = [];
  /** How far the first entry is taken. */
  #taken = 0;
  #count = 0;
  #max: number;
  #onConsumed: (entry: QueueEntry) => void;
  #roomWakers: (() => void)[] = [];
  #eventWakers: (() => void)[] = [];
  #isClosed = false;
  /** The consumer has an event that it was not done with yet. */
  #isInHand = false;

  /** `max`: with more events than these there is no room. */
  constructor(max: number, onConsumed: (entry: QueueEntry) => void) {
    this.#max = max;
    this.#onConsumed = onConsumed;
  }

  get isFull(): boolean {
    return this.#count > this.#max;
  }

  push(entry: QueueEntry): void {
    this.#entries.push(entry);
    this.#count += entry.events.length;
    if (!this.#isInHand) this.#settle();
    wakeAll(this.#eventWakers);
  }

  /** Resolves when there is room; once it was full that is when half of it was taken. At once after `close`. */
  async room(): Promise<void> {
    if (!this.isFull || this.#isClosed) return;
    await new Promise<void>((resolve) => this.#roomWakers.push(resolve));
  }

  /**
   * The next event, now or later; null when there will be none. Asking for it says that the one before is
   * done with.
   */
  async next(): Promise<FeedEvent | null> {
    this.#isInHand = false;
    this.#settle();
    while (this.#count === 0) {
      if (this.#isClosed) return null;
      await new Promise<void>((resolve) => this.#eventWakers.push(resolve));
    }
    const event = this.#entries[0]?.events[this.#taken];
    if (event === undefined) return null;
    this.#isInHand = true;
    this.#taken += 1;
    this.#count -= 1;
    if (this.#count <= this.#max / 2) wakeAll(this.#roomWakers);
    return event;
  }

  /** No more will be pushed; `isAbandoned`: and nobody takes what is left. */
  close(isAbandoned: boolean): void {
    this.#isClosed = true;
    if (isAbandoned) {
      this.#entries = [];
      this.#taken = 0;
      this.#count = 0;
    }
    wakeAll(this.#eventWakers);
    wakeAll(this.#roomWakers);
  }

  /** Takes off what is done with: its last event was taken and another one asked for, or it had none. */
  #settle(): void {
    let settled = 0;
    for (const entry of this.#entries) {
      const isDone = settled === 0 ? this.#taken >= entry.events.length : entry.events.length === 0;
      if (!isDone) break;
      settled += 1;
      this.#taken = 0;
    }
    for (const entry of this.#entries.splice(0, settled)) this.#onConsumed(entry);
  }
}

function wakeAll(wakers: (() => void)[]): void {
  for (const wake of wakers.splice(0)) wake();
}
