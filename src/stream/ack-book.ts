import type { Unacked } from "./reader-lag.ts";
import type { Position } from "./token.ts";

/** Sendings of a stream that are told apart; more are joined in pairs, and acked as one. */
const MAX_MARKS = 32;

/** Flushes that went out: the last of them, how much, and when the first did, wall ms. */
interface Mark extends Position {
  readonly bytes: number;
  readonly sentMs: number;
}

/** How far a stream is acked, and what was sent since. */
export interface AckedStream {
  readonly acked: Position;
  readonly bytes: number;
  /** When the oldest unacked flush went out, wall ms; null: none is unacked. */
  readonly oldestSentMs: number | null;
}

interface Entry {
  acked: Position;
  marks: Mark[];
}

/**
 * What a connection has acked of each stream that it follows, and what it was sent beyond that. Bounded:
 * 32 sendings a stream. A stream that was left counts by its bytes until a later sending is acked.
 */
export class AckBook {
  #streams = new Map<string, Entry>();
  #bytes = 0;
  #left = { bytes: 0, sentMs: 0 };
  /** Where streams stood when they were left: an ack of theirs may be under way. */
  #leftAt = new Map<string, Position>();

  /** A stream begins, or is known to be acked, here. */
  start(stream: string, acked: Position): void {
    const entry = this.#streams.get(stream);
    if (entry === undefined) this.#streams.set(stream, { acked, marks: [] });
    else entry.acked = acked;
    this.#leftAt.delete(stream);
  }

  has(stream: string): boolean {
    return this.#streams.has(stream);
  }

  /** Takes over what was unacked before a hibernation: one sending, acked only as a whole. */
  restore(stream: string, position: Position, known: AckedStream): void {
    this.start(stream, known.acked);
    if (known.oldestSentMs !== null) this.sent(stream, position, known.bytes, known.oldestSentMs);
  }

  /** Flushes of a stream went out, up to a position. */
  sent(stream: string, { epoch, fs, at }: Position, bytes: number, sentMs: number): void {
    const entry = this.#streams.get(stream);
    if (entry === undefined) return;
    entry.marks.push({ epoch, fs, at, bytes, sentMs });
    this.#bytes += bytes;
    if (entry.marks.length > MAX_MARKS) entry.marks = joinPairs(entry.marks);
  }

  leave(stream: string, position: Position): void {
    const entry = this.#streams.get(stream);
    if (entry === undefined) return;
    for (const { bytes, sentMs } of entry.marks) {
      this.#left.bytes += bytes;
      this.#left.sentMs = Math.max(this.#left.sentMs, sentMs);
    }
    this.#streams.delete(stream);
    this.#leftAt.set(stream, position);
  }

  /**
   * Takes a token in. False, and nothing is taken, when it names what was not sent on this connection;
   * `sentTo` is how far each of its streams was sent.
   */
  ack(token: ReadonlyMap<string, Position>, sentTo: ReadonlyMap<string, Position>): boolean {
    for (const [stream, item] of token) {
      if (!this.#wasSent(stream, item, sentTo.get(stream))) return false;
    }
    for (const [stream, item] of token) {
      const entry = this.#streams.get(stream);
      const last = sentTo.get(stream);
      if (entry !== undefined && last !== undefined) this.#take(entry, item, last);
    }
    return true;
  }

  unacked(): Unacked {
    let oldestSentMs: number | null = null;
    for (const { marks } of this.#streams.values()) {
      const sentMs = marks[0]?.sentMs;
      if (sentMs !== undefined && sentMs < (oldestSentMs ?? Infinity)) oldestSentMs = sentMs;
    }
    return { bytes: this.#bytes, oldestSentMs };
  }

  of(stream: string): AckedStream | null {
    const entry = this.#streams.get(stream);
    if (entry === undefined) return null;
    const bytes = entry.marks.reduce((sum, mark) => sum + mark.bytes, 0);
    return { acked: entry.acked, bytes, oldestSentMs: entry.marks[0]?.sentMs ?? null };
  }

  /** Sendings that are remembered: bounded by the streams, however much is unacked. */
  get size(): number {
    let size = 0;
    for (const { marks } of this.#streams.values()) size += marks.length;
    return size;
  }

  /** How far each stream is acked. */
  acked(): [string, Position][] {
    return Array.from(this.#streams, ([stream, { acked }]) => [stream, acked]);
  }

  #wasSent(stream: string, item: Position, last: Position | undefined): boolean {
    const entry = this.#streams.get(stream);
    if (entry === undefined || last === undefined)
      return reaches(this.#leftAt.get(stream) ?? null, item);
    return [last, entry.acked, ...entry.marks].some((sent) => reaches(sent, item));
  }

  #take(entry: Entry, item: Position, last: Position): void {
    // Marks of an earlier epoch lie before all of the present one.
    const covered = entry.marks.findLastIndex((mark) =>
      mark.epoch === item.epoch ? mark.fs <= item.fs : item.epoch === last.epoch,
    );
    const before = entry.acked.epoch === item.epoch && item.fs <= entry.acked.fs;
    if (before) return;
    entry.acked = { epoch: item.epoch, fs: item.fs, at: item.at };
    for (const mark of entry.marks.splice(0, covered + 1)) {
      this.#bytes -= mark.bytes;
      // The socket keeps its order: what went out before this one has been read.
      if (mark.sentMs > this.#left.sentMs) this.#forgetLeft();
    }
  }

  #forgetLeft(): void {
    this.#bytes -= this.#left.bytes;
    this.#left = { bytes: 0, sentMs: 0 };
  }
}

function reaches(sent: Position | null, item: Position): boolean {
  return sent !== null && sent.epoch === item.epoch && item.fs <= sent.fs && item.at <= sent.at;
}

/** Half as many marks: two that follow each other in an epoch become one, acked by the later's number. */
function joinPairs(marks: readonly Mark[]): Mark[] {
  const joined: Mark[] = [];
  for (let at = 0; at < marks.length; at += 2) {
    const [first, second] = marks.slice(at, at + 2);
    if (first === undefined) break;
    if (second === undefined) joined.push(first);
    else if (first.epoch === second.epoch) joined.push(join(first, second));
    else joined.push(first, second);
  }
  const [first, second, ...rest] = joined;
  // Nothing but epochs of one flush: the oldest is no longer told from its successor.
  return joined.length > MAX_MARKS && first !== undefined && second !== undefined
    ? [join(first, second), ...rest]
    : joined;
}

function join(first: Mark, second: Mark): Mark {
  return { ...second, bytes: first.bytes + second.bytes, sentMs: first.sentMs };
}
