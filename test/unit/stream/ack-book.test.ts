import { describe, expect, it } from "vitest";
import { AckBook } from "../../../src/stream/ack-book.ts";
import { decodeAcks, encodeAcks } from "../../../src/stream/ack-codec.ts";
import type { Position } from "../../../src/stream/token.ts";

const EPOCH = "0k3f9a2xq0aaaaa";
const NEXT_EPOCH = "0k3f9a2xr0aaaaa";
const AT = 1_790_000_000_000;
const at = (fs: number, epoch = EPOCH): Position => ({ epoch, fs, at: AT + fs });
const tokenOf = (entries: Readonly<Record<string, Position>>) => new Map(Object.entries(entries));

/** A book whose stream was sent these numbers, 100 bytes and a second each, from 0 on. */
function sentBook(to: number, stream = "7b") {
  const book = new AckBook();
  book.start(stream, at(0));
  for (let fs = 1; fs <= to; fs += 1) book.sent(stream, at(fs), 100, fs * 1_000);
  return book;
}

describe("an ack", () => {
  it("is cumulative: what lies before it is acked too", () => {
    const book = sentBook(5);
    expect(book.unacked()).toEqual({ bytes: 500, oldestSentMs: 1_000 });
    expect(book.ack(tokenOf({ "7b": at(3) }), tokenOf({ "7b": at(5) }))).toBe(true);
    expect(book.unacked()).toEqual({ bytes: 200, oldestSentMs: 4_000 });
    expect(book.acked()).toEqual([["7b", at(3)]]);
    expect(book.ack(tokenOf({ "7b": at(5) }), tokenOf({ "7b": at(5) }))).toBe(true);
    expect(book.unacked()).toEqual({ bytes: 0, oldestSentMs: null });
  });

  it("that comes late or twice changes nothing", () => {
    const book = sentBook(5);
    const last = tokenOf({ "7b": at(5) });
    book.ack(tokenOf({ "7b": at(4) }), last);
    expect(book.ack(tokenOf({ "7b": at(2) }), last)).toBe(true);
    expect(book.acked()).toEqual([["7b", at(4)]]);
    expect(book.unacked().bytes).toBe(100);
  });

  it.each([
    ["of a flush that was not sent", tokenOf({ "7b": at(6) })],
    ["of an epoch that was not sent", tokenOf({ "7b": at(1, NEXT_EPOCH) })],
    ["of a stream that is not followed", tokenOf({ "8b": at(1) })],
    ["of a time that no flush had", tokenOf({ "7b": { ...at(3), at: AT + 999 } })],
    ["that is right in part", tokenOf({ "7b": at(3), "8b": at(1) })],
  ])("%s is refused and grants nothing", (_what, token) => {
    const book = sentBook(5);
    expect(book.ack(token, tokenOf({ "7b": at(5) }))).toBe(false);
    expect(book.acked()).toEqual([["7b", at(0)]]);
    expect(book.unacked()).toEqual({ bytes: 500, oldestSentMs: 1_000 });
  });

  it("of the epoch before is still taken after a new one began, and the new one's frees both", () => {
    const last = tokenOf({ "7b": at(1, NEXT_EPOCH) });
    const [late, whole] = [sentBook(3), sentBook(3)];
    for (const book of [late, whole]) book.sent("7b", at(1, NEXT_EPOCH), 10, 9_000);
    expect(late.ack(tokenOf({ "7b": at(2) }), last)).toBe(true);
    expect(late.unacked()).toEqual({ bytes: 110, oldestSentMs: 3_000 });
    expect(whole.ack(tokenOf({ "7b": at(0, NEXT_EPOCH) }), last)).toBe(true);
    expect(whole.unacked()).toEqual({ bytes: 10, oldestSentMs: 9_000 });
  });

  it("of a stream that was just left is no fault, and what was left ages no more", () => {
    const book = sentBook(5);
    book.start("8b", at(0));
    book.leave("7b", at(5));
    expect(book.unacked()).toEqual({ bytes: 500, oldestSentMs: null });
    expect(book.ack(tokenOf({ "7b": at(4) }), tokenOf({ "8b": at(0) }))).toBe(true);
    book.sent("8b", at(1), 10, 6_000);
    expect(book.ack(tokenOf({ "8b": at(1) }), tokenOf({ "8b": at(1) }))).toBe(true);
    expect(book.unacked()).toEqual({ bytes: 0, oldestSentMs: null });
  });
});

describe("what is remembered of unacked flushes", () => {
  it("stays small however many there are, and is freed as its parts are acked", () => {
    const book = sentBook(100_000);
    expect(book.size).toBeLessThanOrEqual(32);
    expect(book.unacked()).toEqual({ bytes: 10_000_000, oldestSentMs: 1_000 });
    const last = tokenOf({ "7b": at(100_000) });
    expect(book.ack(tokenOf({ "7b": at(90_000) }), last)).toBe(true);
    const { bytes } = book.unacked();
    expect(bytes).toBeGreaterThanOrEqual(1_000_000);
    expect(book.ack(last, last)).toBe(true);
    expect(book.unacked()).toEqual({ bytes: 0, oldestSentMs: null });
  });

  it("stays small when each flush is of an epoch of its own", () => {
    const book = new AckBook();
    book.start("7b", at(0));
    for (let life = 0; life < 1_000; life += 1)
      book.sent("7b", at(1, `0k3f9a2xq${String(life).padStart(6, "0")}`), 100, life);
    expect(book.size).toBeLessThanOrEqual(32);
    expect(book.unacked()).toEqual({ bytes: 100_000, oldestSentMs: 0 });
  });
});

describe("acks in an attachment", () => {
  it("come back with the same size and age, freed only as a whole", () => {
    const book = sentBook(5);
    book.start("7q", at(9, NEXT_EPOCH));
    const positions = tokenOf({ "7b": at(5), "7q": at(9, NEXT_EPOCH) });
    const bytes = encodeAcks(positions, (stream) => book.of(stream), 500);
    const decoded = decodeAcks(bytes, positions, 500);
    const restored = new AckBook();
    for (const [stream, position] of positions) {
      const known = decoded?.get(stream);
      if (known !== undefined) restored.restore(stream, position, known);
    }
    expect(restored.acked()).toEqual(book.acked());
    expect(restored.unacked()).toEqual(book.unacked());
    expect(restored.ack(tokenOf({ "7b": at(4) }), positions)).toBe(true);
    expect(restored.unacked()).toEqual({ bytes: 500, oldestSentMs: 1_000 });
    expect(restored.ack(positions, positions)).toBe(true);
    expect(restored.unacked()).toEqual({ bytes: 0, oldestSentMs: null });
  });

  it("that are cut or too long are none", () => {
    const positions = tokenOf({ "7b": at(5, NEXT_EPOCH) });
    const bytes = encodeAcks(positions, (stream) => sentBook(5).of(stream), 0);
    expect(decodeAcks(bytes, positions, 0)?.size).toBe(1);
    for (const wrong of [bytes.slice(0, 5), bytes.slice(0, -1), Uint8Array.of(...bytes, 0)])
      expect(decodeAcks(wrong, positions, 0)).toBeNull();
  });
});
