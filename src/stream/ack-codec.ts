import { EPOCH_PATTERN } from "../domain/epoch.ts";
import type { AckedStream } from "./ack-book.ts";
import type { Position } from "./token.ts";

const EPOCH_CHARS = 15;
const OTHER_EPOCH = 1;
const UNACKED = 2;

/**
 * Acks of some streams as bytes, in the order of their positions: flags; the epoch where it is not the
 * position's; number and knowledge time of what is acked; where something is unacked, its size and when it
 * went out, ms after `sinceMs`. Numbers are LEB128 (DWARF 5, section 7.6): at most 35 bytes a stream of flushes
 * that this service numbered.
 */
export function encodeAcks(
  positions: ReadonlyMap<string, Position>,
  of: (stream: string) => AckedStream | null,
  sinceMs: number,
): Uint8Array {
  const bytes: number[] = [];
  for (const [stream, position] of positions) {
    const { acked, bytes: size, oldestSentMs } = of(stream) ?? nothingUnacked(position);
    const isOther = acked.epoch !== position.epoch;
    bytes.push((isOther ? OTHER_EPOCH : 0) | (oldestSentMs === null ? 0 : UNACKED));
    if (isOther) for (const char of acked.epoch) bytes.push(char.charCodeAt(0));
    pushNumber(bytes, acked.fs);
    pushNumber(bytes, acked.at);
    if (oldestSentMs === null) continue;
    pushNumber(bytes, size);
    pushNumber(bytes, Math.max(oldestSentMs - sinceMs, 0));
  }
  return Uint8Array.from(bytes);
}

/** The acks of these positions; null when the bytes are not theirs. */
export function decodeAcks(
  bytes: Uint8Array,
  positions: ReadonlyMap<string, Position>,
  sinceMs: number,
): Map<string, AckedStream> | null {
  const acks = new Map<string, AckedStream>();
  const reader = new ByteReader(bytes);
  for (const [stream, position] of positions) {
    const flags = reader.number();
    const epoch = (flags & OTHER_EPOCH) === 0 ? position.epoch : reader.text(EPOCH_CHARS);
    const acked = { epoch, fs: reader.number(), at: reader.number() };
    const isUnacked = (flags & UNACKED) !== 0;
    const size = isUnacked ? reader.number() : 0;
    const oldestSentMs = isUnacked ? sinceMs + reader.number() : null;
    if (!EPOCH_PATTERN.test(epoch)) return null;
    acks.set(stream, { acked, bytes: size, oldestSentMs });
  }
  return reader.isAtEnd ? acks : null;
}

function nothingUnacked(acked: Position): AckedStream {
  return { acked, bytes: 0, oldestSentMs: null };
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  // Not by shifts: times need more than 32 bits.
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** Reads beyond the end give zeros, and `isAtEnd` is then false. */
class ByteReader {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    let value = 0;
    let weight = 1;
    for (let byte = 0x80; byte >= 0x80; weight *= 0x80) {
      byte = this.#next();
      value += (byte % 0x80) * weight;
    }
    return value;
  }

  text(chars: number): string {
    return String.fromCharCode(...Array.from({ length: chars }, () => this.#next()));
  }

  #next(): number {
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }
}
