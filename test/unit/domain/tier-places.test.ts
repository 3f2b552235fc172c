import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeTiers, type TierCandidate } from "../../../src/domain/tier-places.ts";
import { TIERS } from "../../../src/domain/tier.ts";

const COUNT = 3_500;
const name = (rank: number) => `S${String(rank).padStart(4, "0")}`;

/** Symbols by falling volume, all new, with the one under test put at a rank (1 is the greatest). */
function around(rank: number, tier: TierCandidate["tier"]): TierCandidate[] {
  const rest = Array.from({ length: COUNT }, (_, index) => ({
    symbol: name(index),
    tier: null,
    volume: 2 * (COUNT - index),
  }));
  return [...rest, { symbol: "X", tier, volume: 2 * (COUNT - rank) + 3 }];
}

describe("a symbol", () => {
  it.each([
    [null, 500, "T0"],
    [null, 501, "T1"],
    [null, 3_000, "T1"],
    [null, 3_001, "T2"],
    ["T0", 550, "T0"],
    ["T0", 551, "T1"],
    ["T1", 451, "T1"],
    ["T1", 450, "T0"],
    ["T1", 3_300, "T1"],
    ["T1", 3_301, "T2"],
    ["T2", 2_701, "T2"],
    ["T2", 2_700, "T1"],
    ["T2", 450, "T0"],
    ["T0", 3_301, "T2"],
  ] as const)("of tier %s at rank %i is %s", (tier, rank, placed) => {
    expect(placeTiers(around(rank, tier)).get("X")).toBe(placed);
  });

  it("without a volume is T2", () => {
    const places = placeTiers([{ symbol: "X", tier: "T0", volume: null }]);
    expect(places.get("X")).toBe("T2");
  });
});

const candidates = fc.uniqueArray(
  fc.record({
    symbol: fc.string({ minLength: 1, maxLength: 3 }),
    tier: fc.constantFrom(null, ...TIERS),
    volume: fc.option(fc.integer({ min: 0, max: 20 })),
  }),
  { selector: ({ symbol }) => symbol, maxLength: 40 },
);

describe("places", () => {
  it("are the same in any order and for equal volumes, and stand when they are placed again", () => {
    fc.assert(
      fc.property(candidates, (some) => {
        const placed = placeTiers(some);
        expect(placeTiers(some.toReversed())).toEqual(placed);
        const again = some.map((one) => ({ ...one, tier: placed.get(one.symbol) ?? null }));
        expect(placeTiers(again)).toEqual(placed);
      }),
    );
  });

  it("go to the smaller symbol when volumes are equal, whatever the order", () => {
    const all = Array.from({ length: 501 }, (_, index) => ({
      symbol: name(index),
      tier: null,
      volume: 1,
    }));
    expect(placeTiers(all).get(name(500))).toBe("T1");
    expect(placeTiers(all.toReversed()).get(name(500))).toBe("T1");
  });

  it("never fill a tier more than a tenth above its size", () => {
    const all = Array.from({ length: 4_000 }, (_, index) => ({
      symbol: name(index),
      tier: "T0" as const,
      volume: 4_000 - index,
    }));
    const sizes = Map.groupBy(placeTiers(all).values(), (tier) => tier);
    expect(sizes.get("T0")).toHaveLength(550);
    expect(sizes.get("T1")).toHaveLength(3_300 - 550);
  });
});
