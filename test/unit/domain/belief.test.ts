import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bar } from "../../../src/domain/bar.ts";
import { type Belief, MinuteBeliefs } from "../../../src/domain/belief.ts";
import { createEpoch, EPOCH_PATTERN } from "../../../src/domain/epoch.ts";
import { fingerprintOf } from "../../../src/domain/fingerprint.ts";
import { FEEDS, PROVIDER_IDS } from "../../../src/domain/provider-id.ts";
import { barOf, OPEN_MS } from "../../support/naive-group.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const askedAt = fc.integer({ min: 0, max: 4_000_000_000_000 });
const beliefs: fc.Arbitrary<Belief> = fc.oneof(
  fc.record({ state: fc.constantFrom("unknown" as const, "unfillable" as const) }),
  fc.record({ state: fc.constantFrom("absent" as const, "no_trade" as const), askedAt }),
  fc.record({
    state: fc.constant("doubted" as const),
    askedAt,
    times: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({
    state: fc.constant("lost" as const),
    source: fc.record({
      provider: fc.constantFrom(...PROVIDER_IDS),
      feed: fc.constantFrom(...FEEDS),
    }),
    revision: fc.integer({ min: 0, max: 0xffff }),
    askedAt,
  }),
  fc.record({
    state: fc.constant("bar" as const),
    source: fc.record({
      provider: fc.constantFrom(...PROVIDER_IDS),
      feed: fc.constantFrom(...FEEDS),
    }),
    revision: fc.integer({ min: 0, max: 0xffff }),
    askedAt,
    fingerprint: fc.tuple(u32, u32),
  }),
);

describe("the stored beliefs of a minute", () => {
  it("come back as they were set, slot by slot, also for a roster that has grown", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(beliefs, beliefs), { maxLength: 20 }),
        fc.nat(5),
        (pairs, more) => {
          const minute = new MinuteBeliefs(pairs.length);
          pairs.forEach(([first], slot) => minute.set(slot, first));
          pairs.forEach(([, second], slot) => minute.set(slot, second));
          const read = new MinuteBeliefs(pairs.length + more, minute.encode());
          pairs.forEach(([, second], slot) => expect(read.get(slot)).toEqual(second));
          for (let slot = pairs.length; slot < read.slots + 2; slot += 1) {
            expect(read.get(slot)).toEqual({ state: "unknown" });
          }
        },
      ),
    );
  });

  it("read what was stored before doubts were: the place of a state is what is stored", () => {
    const stored = new Uint8Array(5 * 20);
    const view = new DataView(stored.buffer);
    [0, 1, 2, 3, 4].forEach((code, slot) => {
      view.setUint8(slot * 20, code);
      if (code === 3) view.setUint8(slot * 20 + 1, 0x10);
      view.setFloat64(slot * 20 + 12, OPEN_MS);
    });
    const minute = new MinuteBeliefs(5, stored);
    expect([0, 1, 2, 3, 4].map((slot) => minute.get(slot))).toEqual([
      { state: "unknown" },
      { state: "absent", askedAt: OPEN_MS },
      { state: "no_trade", askedAt: OPEN_MS },
      {
        state: "bar",
        source: { provider: "alpaca", feed: "sip" },
        revision: 0,
        askedAt: OPEN_MS,
        fingerprint: [0, 0],
      },
      { state: "unfillable" },
    ]);
  });

  it("refuse a blob that is not whole slots, and a slot beyond them", () => {
    expect(() => new MinuteBeliefs(1, new Uint8Array(21))).toThrow(RangeError);
    expect(() => new MinuteBeliefs(1).set(1, { state: "unknown" })).toThrow(RangeError);
  });
});

describe("the fingerprint of a bar", () => {
  const fields = ["open", "high", "low", "close", "volume", "vwap", "tradeCount"] as const;

  it("is the same for the same values whatever symbol and minute they stand at", () => {
    const { symbol: _symbol, ts: _ts, ...values } = barOf("AAPL", OPEN_MS);
    const other: Bar = { ...values, symbol: "KO", ts: 0 };
    expect(fingerprintOf(other)).toEqual(fingerprintOf(barOf("AAPL", OPEN_MS)));
  });

  it.each(fields)("changes with the smallest change of %s, and null is not 0", (field) => {
    const bar: Bar = { ...barOf("AAPL", OPEN_MS), vwap: 100, tradeCount: 100 };
    const moved = { ...bar, [field]: 100 * (1 + 2 ** -52) };
    const base = { ...bar, [field]: 100 };
    expect(fingerprintOf(moved)).not.toEqual(fingerprintOf(base));
    if (field !== "vwap" && field !== "tradeCount") return;
    expect(fingerprintOf({ ...bar, [field]: null })).not.toEqual(
      fingerprintOf({ ...bar, [field]: 0 }),
    );
  });

  it("differs for bars that differ in one cent or one share, ten thousand of them", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i += 1) {
      for (let j = 0; j < 100; j += 1) {
        seen.add(fingerprintOf({ ...barOf("AAPL", OPEN_MS, 100 + i / 100), volume: j }).join(" "));
      }
    }
    expect(seen.size).toBe(10_000);
  });

  it("is two unsigned 32-bit numbers", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (close, volume) => {
        for (const half of fingerprintOf({ ...barOf("AAPL", OPEN_MS), close, volume })) {
          expect(half >>> 0).toBe(half);
        }
      }),
    );
  });
});

describe("an epoch", () => {
  it("is well formed, and its text order is its age order", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        askedAt,
        fc.integer({ min: 1, max: 1_000_000 }),
        random,
        random,
        (at, laterMs, r1, r2) => {
          const older = createEpoch(at, () => r1);
          const newer = createEpoch(at + laterMs, () => r2);
          expect(older).toMatch(EPOCH_PATTERN);
          expect(older < newer).toBe(true);
        },
      ),
    );
  });
});
