import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STREAM_CLASSES } from "../../../src/contracts/flush.ts";
import { MAX_TOKEN_CHARS } from "../../../src/contracts/stream.ts";
import { createEpoch } from "../../../src/domain/epoch.ts";
import { MAX_SYMBOL_GROUPS } from "../../../src/env.ts";
import { Crc32c } from "../../../src/stream/crc32c.ts";
import { formatToken, parseToken, type Position, streamName } from "../../../src/stream/token.ts";

const EPOCH = createEpoch(1_774_013_400_000, () => 0.5);
const positions = fc.uniqueArray(
  fc.tuple(
    fc
      .record({
        group: fc.integer({ min: 0, max: MAX_SYMBOL_GROUPS - 1 }),
        class: fc.constantFrom(...STREAM_CLASSES),
      })
      .map(streamName),
    fc.record({
      epoch: fc.constant(EPOCH),
      fs: fc.integer({ min: 0, max: 999_999_999_999_999 }),
      at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    }),
  ),
  { selector: ([stream]) => stream, maxLength: 32 },
);

describe("a resume token", () => {
  it("is read as it was written, the empty one too", () => {
    fc.assert(
      fc.property(positions, (list: [string, Position][]) => {
        expect(parseToken(formatToken(list))).toEqual(new Map(list));
      }),
    );
  });

  it.each([
    ["three parts", `7b.${EPOCH}.62`],
    ["five parts", `7b.${EPOCH}.62.mf2k1c0.x`],
    ["a stream of nothing known", `7x.${EPOCH}.62.mf2k1c0`],
    ["a stream without a number", `b.${EPOCH}.62.mf2k1c0`],
    ["a short epoch", "7b.k3f9a2xq.62.mf2k1c0"],
    ["an epoch in capitals", `7b.${EPOCH.toUpperCase().replace(/\d/g, "A")}.62.mf2k1c0`],
    ["a negative number", `7b.${EPOCH}.-1.mf2k1c0`],
    ["a number with an exponent", `7b.${EPOCH}.1e3.mf2k1c0`],
    ["a number beyond what a double holds", `7b.${EPOCH}.9999999999999999.mf2k1c0`],
    ["an empty knowledge time", `7b.${EPOCH}.62.`],
    ["a trailing comma", `7b.${EPOCH}.62.mf2k1c0,`],
    ["white space", ` 7b.${EPOCH}.62.mf2k1c0`],
    ["a second spelling of a stream", `007b.${EPOCH}.62.mf2k1c0`],
    ["one stream twice", `7b.${EPOCH}.62.mf2k1c0,7b.${EPOCH}.63.mf2k1c0`],
  ])("is refused with %s", (_name, token) => {
    expect(parseToken(token)).toBeNull();
  });

  it("never throws, whatever text it is", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseToken(text)));
  });

  it("of a client of every stream fits into a frame, at any number of groups a deployment may have", () => {
    const groups = Array.from({ length: MAX_SYMBOL_GROUPS }, (_, group) => group);
    const all = STREAM_CLASSES.flatMap((name) =>
      groups.map((group): [string, Position] => [
        streamName({ group, class: name }),
        { epoch: EPOCH, fs: 999_999_999, at: 1_774_013_400_000 },
      ]),
    );
    expect(formatToken(all).length).toBeLessThanOrEqual(MAX_TOKEN_CHARS);
  });
});

describe("CRC-32C", () => {
  const bytes = Array.from({ length: 32 }, (_, i) => i);
  const ascending = String.fromCharCode(...bytes);
  const descending = String.fromCharCode(...bytes.toReversed());

  // RFC 3720 appendix B.4 gives bytes in transmission order; these are the values as numbers.
  it.each([
    ["32 bytes of zeros", "\0".repeat(32), "8a9136aa"],
    ["32 ascending bytes", ascending, "46dd794e"],
    ["32 descending bytes", descending, "113fdb5c"],
    ["the check string", "123456789", "e3069283"],
    ["nothing", "", "00000000"],
  ])("of %s", (_name, text, digest) => {
    const crc = new Crc32c();
    crc.update(text);
    expect(crc.digest()).toBe(digest);
  });

  it("of parts is that of the whole, in UTF-8", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (parts) => {
        const running = new Crc32c();
        for (const part of parts) running.update(part);
        const whole = new Crc32c();
        whole.update(parts.join(""));
        expect(running.digest()).toBe(whole.digest());
      }),
    );
  });
});
