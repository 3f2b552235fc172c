import type { Connection } from "./connection.ts";

/** Flush frames that come within this time go out as one. */
export const BATCH_MS = 50;
/** A batch that has grown to this is sent at once. */
const MAX_BATCH_CHARS = 256 * 1_024;

/** Joins the flush frames of a connection that come close together into `batch` frames. */
export class Outbox {
  #waiting = new Set<Connection>();
  #after: (delayMs: number, act: () => void) => void;
  #timed = false;
  #onSent: () => void;

  constructor(after: (delayMs: number, act: () => void) => void, onSent: () => void) {
    this.#after = after;
    this.#onSent = onSent;
  }

  push(connection: Connection, frame: string): void {
    connection.outbox.push(frame);
    connection.outboxChars += frame.length;
    if (connection.outboxChars >= MAX_BATCH_CHARS) {
      this.send(connection);
      return;
    }
    this.#waiting.add(connection);
    if (this.#timed) return;
    this.#timed = true;
    this.#after(BATCH_MS, () => this.#sendAll());
  }

  /** Sends what waits for a connection now, before something else goes to it. */
  send(connection: Connection): void {
    this.#waiting.delete(connection);
    const frames = connection.outbox;
    if (frames.length === 0) return;
    connection.outbox = [];
    connection.outboxChars = 0;
    const [only] = frames;
    sendText(
      connection,
      frames.length === 1 && only !== undefined
        ? only
        : `{"op":"batch","flushes":[${frames.join(",")}]}`,
    );
  }

  /** Forgets what waits for a connection; answers how many frames that were. */
  discard(connection: Connection): number {
    this.#waiting.delete(connection);
    const { length } = connection.outbox;
    connection.outbox = [];
    connection.outboxChars = 0;
    return length;
  }

  #sendAll(): void {
    this.#timed = false;
    const waiting = [...this.#waiting];
    for (const connection of waiting) this.send(connection);
    if (waiting.length > 0) this.#onSent();
  }
}

/** Sends to a socket that may have gone: the client resumes from its own token. */
export function sendText(connection: Connection, text: string): void {
  try {
    connection.socket.send(text);
    connection.tally("sent");
  } catch {
    connection.tally("failed");
    // The socket closed between two frames; its close event removes the connection.
  }
}
