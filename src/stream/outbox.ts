/** Flush frames that come within this time go out as one. */
export const BATCH_MS = 20;
/** A batch that has grown to this is sent at once. */
const MAX_BATCH_CHARS = 256 * 1_024;
/** Batches whose text is remembered until all that waits is sent. */
const MAX_KNOWN_BATCHES = 8;

/** Whom frames go to, and what is kept with him. */
export interface Recipient {
  readonly socket: { send(text: string): void };
  /** Frames waiting to go out as one. */
  outbox: string[];
  outboxChars: number;
  /** It is on the outbox's list: it has moved on since it settled. */
  isWaiting: boolean;
  /** Frames that were handed to the socket, and that it did not take, since they were counted last. */
  sentCount: number;
  failedCount: number;
}

/** What an outbox waits with, and whom it tells. */
export interface OutboxDeps<R extends Recipient> {
  /** A timer that is known to be short. */
  readonly after: (delayMs: number, act: () => void) => void;
  /** A connection has been sent all that waited for it: what it holds now is how far it is. */
  readonly onSettled: (connection: R) => void;
  /** All that waited is sent. */
  readonly onSent: () => void;
}

/**
 * Joins the flush frames of a connection that come close together into `batch` frames. Until a connection is sent
 * what waits, its attachment stays where it was: an object that is reset in between reads it from the log again.
 */
export class Outbox<R extends Recipient> {
  #deps: OutboxDeps<R>;
  /** Who may wait for something; one that was sent it meanwhile no longer does. */
  #waiting: R[] = [];
  #batches = new BatchTexts();
  #timed = false;

  constructor(deps: OutboxDeps<R>) {
    this.#deps = deps;
  }

  push(connection: R, frame: string): void {
    connection.outbox.push(frame);
    connection.outboxChars += frame.length;
    if (connection.outboxChars >= MAX_BATCH_CHARS) {
      this.send(connection);
      this.#deps.onSettled(connection);
    } else this.touch(connection);
  }

  /** A connection has moved on, with or without a frame. */
  touch(connection: R): void {
    if (!connection.isWaiting) this.#list(connection);
  }

  /** Sends what waits for a connection now, before something else goes to it. */
  send(connection: R): void {
    connection.isWaiting = false;
    this.#sendFrames(connection);
  }

  /** Forgets what waits for a connection; answers how many frames that were. */
  discard(connection: R): number {
    connection.isWaiting = false;
    const { length } = connection.outbox;
    connection.outbox = [];
    connection.outboxChars = 0;
    return length;
  }

  #list(connection: R): void {
    connection.isWaiting = true;
    this.#waiting.push(connection);
    if (this.#timed) return;
    this.#timed = true;
    this.#deps.after(BATCH_MS, () => this.#sendAll());
  }

  #sendAll(): void {
    this.#timed = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    let taken = 0;
    try {
      for (const connection of waiting) {
        taken += 1;
        if (!connection.isWaiting) continue;
        connection.isWaiting = false;
        this.#sendFrames(connection);
        this.#deps.onSettled(connection);
      }
    } finally {
      // One that breaks down takes nobody along.
      for (const connection of waiting.slice(taken))
        if (connection.isWaiting) this.#list(connection);
    }
    this.#batches = new BatchTexts();
    if (waiting.length > 0) this.#deps.onSent();
  }

  #sendFrames(connection: R): void {
    const frames = connection.outbox;
    if (frames.length === 0) return;
    connection.outboxChars = 0;
    if (frames.length > 1) connection.outbox = [];
    // Mostly there is one frame, and the list is kept for the next.
    const text = frames.length > 1 ? this.#batches.text(frames) : frames.pop();
    if (text !== undefined) sendText(connection, text);
  }
}

/** The texts of some batches, each made once however many connections are sent the same frames. */
class BatchTexts {
  #known: { readonly frames: readonly string[]; readonly text: string }[] = [];

  text(frames: readonly string[]): string {
    const known = this.#known.find((batch) => isSame(batch.frames, frames));
    if (known !== undefined) return known.text;
    const text = `{"op":"batch","flushes":[${frames.join(",")}]}`;
    if (this.#known.length < MAX_KNOWN_BATCHES) this.#known.push({ frames, text });
    return text;
  }
}

/** Frames of one view are one text: those are equal at a glance. */
function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((frame, place) => frame === b[place]);
}

/** Sends to a socket that may have gone: the client resumes from its own token. */
export function sendText(connection: Recipient, text: string): void {
  try {
    connection.socket.send(text);
    connection.sentCount += 1;
  } catch {
    connection.failedCount += 1;
    // The socket closed between two frames; its close event removes the connection.
  }
}
