import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProviderListing } from "../../../src/domain/merge-listings.ts";
import { TIERS } from "../../../src/domain/tier.ts";
import { ABSENT_DATES, type RefreshInput } from "../../../src/domain/universe.ts";
import type { UniverseRow } from "../../../src/domain/universe-row.ts";
import { refresh } from "../../support/universe.ts";

const SYMBOLS = ["A", "B", "C", "D", "E", "F.WS"] as const;
const symbol = fc.constantFrom(...SYMBOLS);
const row = fc.record({
  symbol,
  listedAs: fc.constantFrom("x", "y"),
  name: fc.constantFrom(null, "One", "Two", "NASDAQ TEST STOCK"),
  exchange: fc.constantFrom(null, "XNAS"),
  type: fc.constantFrom(null, "COMMON"),
  figi: fc.constantFrom(null, "F1", "F2", "F3", "F4"),
});
const list: fc.Arbitrary<ProviderListing> = fc.record({
  provider: fc.constantFrom("polygon", "alpaca", "finnhub"),
  complete: fc.boolean(),
  // A provider's spelling says which symbol it is.
  listed: fc
    .array(row, { maxLength: 8 })
    .map((rows) => rows.map((one) => ({ ...one, listedAs: `${one.symbol}${one.listedAs}` }))),
  collisions: fc.constant([]),
});
type Step = Pick<RefreshInput, "listings" | "volumes" | "pins">;
const step: fc.Arbitrary<Step> = fc.record({
  listings: fc.uniqueArray(list, { selector: ({ provider }) => provider, maxLength: 3 }),
  volumes: fc
    .array(fc.tuple(symbol, fc.integer({ min: 1, max: 9 })), { maxLength: 6 })
    .map((entries) => new Map<string, number>(entries)),
  pins: fc
    .array(fc.tuple(symbol, fc.constantFrom(...TIERS)), { maxLength: 2 })
    .map((entries) => new Map<string, (typeof TIERS)[number]>(entries)),
});
const history = fc.array(step, { minLength: 1, maxLength: 10 });
const dateOf = (index: number) => `2026-03-${String(index + 2).padStart(2, "0")}`;

/** Plays a history, a step a date, and shows each refresh with what was before. */
function play(
  steps: readonly Step[],
  look: (made: { before: readonly UniverseRow[]; input: Step; index: number }) => void,
): void {
  let before: readonly UniverseRow[] = [];
  steps.forEach((input, index) => {
    look({ before, input, index });
    before = refresh({ ...input, rows: before, date: dateOf(index) }).rows;
  });
}

describe("a refresh", () => {
  it("gives the same in any order, and nothing new when it comes again", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, ({ before, input, index }) => {
          const date = dateOf(index);
          const once = refresh({ ...input, rows: before, date });
          const listings = input.listings
            .toReversed()
            .map((one) => ({ ...one, listed: one.listed.toReversed() }));
          const shuffled = refresh({ ...input, listings, rows: before.toReversed(), date });
          expect(shuffled.rows).toEqual(once.rows);
          expect(shuffled.changes).toEqual(once.changes);
          const again = refresh({ ...input, rows: once.rows, date });
          expect(again.rows).toEqual(once.rows);
          expect(again.changes).toEqual([]);
        });
      }),
    );
  });

  it("never forgets a symbol or gives its number away", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, ({ before, input, index }) => {
          const { rows } = refresh({ ...input, rows: before, date: dateOf(index) });
          expect(new Set(rows.map(({ sid }) => sid)).size).toBe(rows.length);
          for (const known of before) {
            expect(rows.find((after) => after.symbol === known.symbol)?.sid).toBe(known.sid);
          }
        });
      }),
    );
  });

  it("lets a symbol go only on its third absence in a row, or when its FIGI is another's", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, ({ before, input, index }) => {
          const { changes } = refresh({ ...input, rows: before, date: dateOf(index) });
          for (const { kinds, after } of changes) {
            if (!kinds.includes("removed")) continue;
            expect(input.listings.some(({ complete }) => complete)).toBe(true);
            const rows = input.listings.flatMap(({ listed }) => listed);
            const moved = rows.some(
              (one) => one.figi === after.figi && one.symbol !== after.symbol,
            );
            expect(after.absences === ABSENT_DATES || (after.figi !== null && moved)).toBe(true);
          }
        });
      }),
    );
  });

  it("obeys every pin of an active symbol", () => {
    fc.assert(
      fc.property(history, (steps) => {
        play(steps, ({ before, input, index }) => {
          const { rows } = refresh({ ...input, rows: before, date: dateOf(index) });
          for (const { symbol: own, tier, active } of rows)
            if (active && input.pins.has(own)) expect(tier).toBe(input.pins.get(own));
        });
      }),
    );
  });
});
