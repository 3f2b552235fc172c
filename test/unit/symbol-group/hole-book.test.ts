import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GapEvent } from "../../../src/contracts/flush.ts";
import { intersectRanges, subtractRanges } from "../../../src/domain/range.ts";
import { Roster } from "../../../src/domain/roster.ts";
import type { TimeRange } from "../../../src/domain/time.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { HoleBook, type SlotHoles } from "../../../src/symbol-group/hole-book.ts";

const SYMBOLS = ["AAPL", "MSFT"];
const roster = new Roster(
  SYMBOLS.map((symbol, slot) => ({
    slot,
    symbol,
    sid: slot,
    tier: "T0" as const,
    sinceMs: 0,
    active: true,
    reusedOn: null,
  })),
);
const SPAN = 24;

const VERBS = [
  "open",
  "fill",
  "die",
  "reopen",
  "giveUp",
  "fillStored",
  "markQueued",
  "forget",
] as const;
const step = fc.record({
  verb: fc.constantFrom(...VERBS),
  slot: fc.integer({ min: 0, max: 1 }),
  from: fc.integer({ min: 0, max: SPAN - 1 }),
  length: fc.integer({ min: 1, max: 9 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function act(book: HoleBook, { verb, slot, from, length }: Step): GapEvent[] {
  const range: TimeRange = {
    startMs: from * MINUTE_MS,
    endMs: Math.min(from + length, SPAN) * MINUTE_MS,
  };
  const symbol = SYMBOLS[slot] ?? "";
  const count = (range.endMs - range.startMs) / MINUTE_MS;
  const minutes = new Map([
    [slot, Array.from({ length: count }, (_, i) => range.startMs + i * MINUTE_MS)],
  ]);
  switch (verb) {
    case "open":
      return book.open(minutes, roster);
    case "fill":
      return book.fill(minutes, roster, "alpaca");
    case "die":
    case "reopen":
      return book[verb]([{ symbol, ...range }], roster);
    case "giveUp":
      return book.giveUp([{ symbol, ...range }], roster).events;
    case "fillStored":
      return book.fillStored([{ symbol, ...range, provider: "alpaca", href: "/x" }], roster);
    case "markQueued":
      book.markQueued([{ slot, ...range }]);
      return [];
    case "forget":
      book.forgetQueued();
      return [];
  }
}

/** What a reader of the stream knows of the open and dead minutes of the slots. */
class Reader {
  readonly open = SYMBOLS.map(() => new Set<number>());
  readonly dead = SYMBOLS.map(() => new Set<number>());

  hear([symbol, startMs, endMs, kind, , href]: GapEvent): void {
    const slot = SYMBOLS.indexOf(symbol);
    const [open = new Set(), dead = new Set()] = [this.open[slot], this.dead[slot]];
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
      // A hole opens once, or comes back from the dead; what ends or dies was open.
      if (kind === "open") expect(open.has(ts)).toBe(dead.has(ts));
      else if (href === null) expect(open.has(ts)).toBe(true);
      if (kind === "dead") expect(dead.has(ts)).toBe(false);
      if (kind === "open" || kind === "dead") open.add(ts);
      else open.delete(ts);
      if (kind === "dead") dead.add(ts);
      else dead.delete(ts);
    }
  }
}

function minutesOf(ranges: readonly TimeRange[]): number[] {
  return ranges.flatMap(({ startMs, endMs }) =>
    Array.from({ length: (endMs - startMs) / MINUTE_MS }, (_, i) => startMs + i * MINUTE_MS),
  );
}

describe("the holes of a group", () => {
  it("are open, queued or dead in one way at a time, and the events tell all of it", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const reader = new Reader();
        const stored = new Map<number, SlotHoles>();
        for (const one of steps) {
          // Each act is on a book that was just read, as in life.
          const book = new HoleBook(stored);
          for (const event of act(book, one)) reader.hear(event);
          for (const [slot, holes] of book.changes()) {
            if (holes.open.length === 0) stored.delete(slot);
            else stored.set(slot, holes);
          }
          for (const { open, queued, dead } of stored.values()) {
            expect(subtractRanges(queued, open)).toEqual([]);
            expect(subtractRanges(dead, open)).toEqual([]);
            expect(intersectRanges(queued, dead)).toEqual([]);
          }
          for (const slot of SYMBOLS.keys()) {
            const { open = [], dead = [] } = stored.get(slot) ?? {};
            expect(minutesOf(open)).toEqual(
              [...(reader.open[slot] ?? [])].toSorted((a, b) => a - b),
            );
            expect(minutesOf(dead)).toEqual(
              [...(reader.dead[slot] ?? [])].toSorted((a, b) => a - b),
            );
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("offers the oldest first, and only what no queue has and did not die", () => {
    const book = new HoleBook([]);
    const hole = (slot: number, from: number, to: number) => ({
      slot,
      startMs: from * MINUTE_MS,
      endMs: to * MINUTE_MS,
    });
    for (const [slot, from, length] of [
      [1, 0, 4],
      [0, 2, 3],
      [0, 10, 2],
    ] as const)
      act(book, { verb: "open", slot, from, length });
    book.markQueued([hole(1, 0, 2)]);
    act(book, { verb: "die", slot: 0, from: 10, length: 1 });
    expect(book.unoffered(roster, 10)).toEqual([hole(0, 2, 5), hole(1, 2, 4), hole(0, 11, 12)]);
    expect(book.unoffered(roster, 1)).toEqual([hole(0, 2, 5)]);
  });

  it("does not queue what died while the offer was on its way", () => {
    const book = new HoleBook([]);
    const range = { startMs: 0, endMs: 4 * MINUTE_MS };
    act(book, { verb: "open", slot: 0, from: 0, length: 4 });
    const offered = book.unoffered(roster, 1);
    expect(book.die([{ symbol: "AAPL", ...range }], roster)).toHaveLength(1);
    book.markQueued(offered);
    expect(book.changes()).toEqual([[0, { open: [range], queued: [], dead: [range] }]]);
  });
});
