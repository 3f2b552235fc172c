import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AskingCost, creditReach, sizeOf } from "../../../src/domain/credit-reach.ts";
import { TIERS } from "../../../src/domain/tier.ts";

const SIZES = { T0: 500, T1: 2_500, T2: 0 };
const EACH_MINUTE = { roundsPerMinute: 1 };

describe("the symbols that the calls of a plan carry", () => {
  it.each<[string, AskingCost, number, number, object]>([
    [
      "one a call: as many as calls, T0 first",
      { symbolsPerCall: 1, jobs: 32, ...EACH_MINUTE },
      560,
      3_000,
      { carried: { T0: 500, T1: 60, T2: 0 }, beyond: { T0: 0, T1: 2_440, T2: 0 } },
    ],
    [
      "one a call, fewer calls than T0 has",
      { symbolsPerCall: 1, jobs: 32, ...EACH_MINUTE },
      5,
      3_000,
      { carried: { T0: 5, T1: 0, T2: 0 }, beyond: { T0: 495, T1: 2_500, T2: 0 } },
    ],
    [
      "200 a call, but a call for each of 32 jobs",
      { symbolsPerCall: 200, jobs: 32, ...EACH_MINUTE },
      200,
      32,
      { beyond: { T0: 0, T1: 0, T2: 0 } },
    ],
    [
      "200 a call in one job",
      { symbolsPerCall: 200, jobs: 1, ...EACH_MINUTE },
      10,
      15,
      { carried: { T0: 500, T1: 1_500, T2: 0 } },
    ],
    [
      "four times a minute",
      { symbolsPerCall: 200, jobs: 1, roundsPerMinute: 4 },
      60,
      60,
      { beyond: { T0: 0, T1: 0, T2: 0 } },
    ],
    [
      "the whole market",
      { symbolsPerCall: "all", jobs: 1, roundsPerMinute: 1 / 60 },
      5,
      1 / 60,
      { beyond: { T0: 0, T1: 0, T2: 0 } },
    ],
  ])("%s", (_name, cost, calls, needed, expected) => {
    expect(creditReach(SIZES, cost, calls)).toMatchObject({
      neededCallsPerMinute: needed,
      ...expected,
    });
  });

  it("are none of nothing, and nothing is beyond", () => {
    const nothing = { T0: 0, T1: 0, T2: 0 };
    const cost = { symbolsPerCall: 1, jobs: 32, ...EACH_MINUTE };
    expect(creditReach(nothing, cost, 0)).toEqual({
      neededCallsPerMinute: 0,
      carried: nothing,
      beyond: nothing,
    });
  });

  it("and those beyond are all symbols; a tier is begun when those before it are whole; more calls carry more", () => {
    const count = fc.integer({ min: 0, max: 9_000 });
    fc.assert(
      fc.property(
        fc.record({ T0: count, T1: count, T2: count }),
        fc.record({
          symbolsPerCall: fc.oneof(fc.integer({ min: 1, max: 250 }), fc.constant("all" as const)),
          jobs: fc.integer({ min: 1, max: 128 }),
          roundsPerMinute: fc.constantFrom(1, 4, 1 / 60),
        }),
        fc.integer({ min: 0, max: 10_000 }),
        (sizes, cost, calls) => {
          const { carried, beyond, neededCallsPerMinute } = creditReach(sizes, cost, calls);
          for (const tier of TIERS) expect(carried[tier] + beyond[tier]).toBe(sizes[tier]);
          if (beyond.T0 > 0) expect(carried.T1).toBe(0);
          if (beyond.T1 > 0) expect(carried.T2).toBe(0);
          expect(sizeOf(beyond) === 0).toBe(calls >= neededCallsPerMinute);
          const more = creditReach(sizes, cost, calls + 1).carried;
          expect(sizeOf(more)).toBeGreaterThanOrEqual(sizeOf(carried));
        },
      ),
    );
  });
});
