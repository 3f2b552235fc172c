/** A message of the Postgres wire protocol may not be longer: a request of `/sql` is at most as long. */
const MAX_MESSAGE_BYTES = 80 * 1_024 * 1_024;

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

/** What one turn of a client asks of the server. */
export type ClientTurn =
  /** It asks for encryption, which is answered by one byte. */
  | { readonly kind: "encryption" }
  /** It opens a session. */
  | { readonly kind: "startup"; readonly bytes: Buffer }
  /** Messages that end where an answer is due (Sync, Query, Flush, Password): run them in one go. */
  | { readonly kind: "messages"; readonly bytes: Buffer }
  /** It is going away (Terminate, or a cancel request, which opens no session). */
  | { readonly kind: "end" };

/**
 * Cuts the byte stream of one client into turns. Every message but the first is one type byte and a length
 * that counts itself. Source: PostgreSQL documentation, "Message Formats".
 * Throws a RangeError at a length that can't be.
 */
export class TurnCutter {
  #pending: Buffer = Buffer.alloc(0);
  #started = false;

  /** The turns that are complete with these bytes; the rest is kept. */
  push(bytes: Buffer): ClientTurn[] {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const turns: ClientTurn[] = [];
    for (let turn = this.#next(); turn !== null; turn = this.#next()) turns.push(turn);
    return turns;
  }

  #next(): ClientTurn | null {
    return this.#started ? this.#nextMessages() : this.#nextOpening();
  }

  #nextOpening(): ClientTurn | null {
    if (this.#pending.length < 8) return null;
    const end = requireLength(this.#pending.readInt32BE(0));
    if (this.#pending.length < end) return null;
    const code = this.#pending.readInt32BE(4);
    const bytes = this.#take(end);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: "encryption" };
    if (code === CANCEL_REQUEST) return { kind: "end" };
    this.#started = true;
    return { kind: "startup", bytes };
  }

  #nextMessages(): ClientTurn | null {
    let end = 0;
    while (this.#pending.length >= end + 5) {
      const type = String.fromCharCode(this.#pending.readUInt8(end));
      end += 1 + requireLength(this.#pending.readInt32BE(end + 1));
      if (this.#pending.length < end) return null;
      if (type === "X") {
        this.#take(end);
        return { kind: "end" };
      }
      if (type === "S" || type === "Q" || type === "H" || type === "p") {
        return { kind: "messages", bytes: this.#take(end) };
      }
    }
    return null;
  }

  #take(end: number): Buffer {
    const taken = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end);
    return taken;
  }
}

/** The messages of a turn, each by itself. */
export function* splitMessages(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + requireLength(view.getInt32(at + 1));
    yield bytes.subarray(at, end);
    at = end;
  }
}

function requireLength(length: number): number {
  if (length < 4 || length > MAX_MESSAGE_BYTES) throw new RangeError("impossible message length");
  return length;
}
