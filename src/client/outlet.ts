import { formatToken, type Position } from "../stream/token.ts";
import { ackToken } from "./ack-token.ts";
import { EventQueue, type QueueEntry } from "./event-queue.ts";
import type { FeedEvent, FeedState } from "./events.ts";
import type { ConnectOptions } from "./options.ts";

/** The consumer's side: callbacks, the iterator's queue, and how far both have taken each stream. */
export class Outlet {
  #options: ConnectOptions;
  #queue: EventQueue;
  #consumed: Map<string, Position>;
  #isIterated: boolean;

  constructor(
    options: ConnectOptions,
    start: { readonly positions: ReadonlyMap<string, Position>; readonly maxQueued: number },
    onConsumed: (chars: number) => void,
  ) {
    this.#options = options;
    this.#consumed = new Map(start.positions);
    const { onBar, onQuote, onGap, onManifest, onSource } = options;
    // Without a callback for data somebody is going to iterate: what comes before is kept for that.
    this.#isIterated = [onBar, onQuote, onGap, onManifest, onSource].every(
      (on) => on === undefined,
    );
    this.#queue = new EventQueue(start.maxQueued, ({ stream, position, chars }) => {
      const before = this.#consumed.get(stream);
      this.#consumed.set(stream, position);
      // With the end of a hand-off, too, there is something to acknowledge: what was held back during it.
      const isJoined = before !== undefined && before.epoch !== position.epoch;
      if (chars > 0 || isJoined) onConsumed(chars);
    });
  }

  get token(): string {
    return formatToken(this.#consumed);
  }

  /** What the service may be told of it, given how far it has sent; null when there is nothing. */
  ackToken(sent: ReadonlyMap<string, Position>): string | null {
    return ackToken(this.#consumed, sent);
  }

  get isFull(): boolean {
    return this.#queue.isFull;
  }

  room(): Promise<void> {
    return this.#queue.room();
  }

  push(entry: QueueEntry): void {
    for (const event of entry.events) guarded(() => this.#call(event));
    this.#queue.push(this.#isIterated ? entry : { ...entry, events: [] });
  }

  tell(state: FeedState): void {
    guarded(() => this.#options.onState?.(state));
  }

  /** `onLeft`: the loop was left. */
  iterate(onLeft: () => void): AsyncIterator<FeedEvent, undefined> {
    this.#isIterated = true;
    return {
      next: async () => {
        const event = await this.#queue.next();
        return event === null ? { done: true, value: undefined } : { done: false, value: event };
      },
      return: async () => {
        onLeft();
        return { done: true, value: undefined };
      },
    };
  }

  close(isAbandoned: boolean): void {
    this.#queue.close(isAbandoned);
  }

  #call(event: FeedEvent): void {
    const { onBar, onQuote, onGap, onManifest, onSource } = this.#options;
    switch (event.type) {
      case "bar":
        return onBar?.(event);
      case "quote":
        return onQuote?.(event);
      case "gap":
        return onGap?.(event);
      case "manifest":
        return onManifest?.(event);
      case "source":
        return onSource?.(event);
    }
  }
}

/** A callback that throws is the program's fault and surfaces as such; the stream goes on. */
function guarded(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
