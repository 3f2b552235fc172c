import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BeliefWorld, KEYS, type Step } from "../support/belief-world.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const RUNS = 200;
const MAX_STEPS = 24;
const TIMEOUT_MS = 300_000;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

const key = fc.integer({ min: 0, max: KEYS - 1 });
const bar = fc.record({ key, close: fc.integer({ min: 100, max: 104 }) });
const bars = fc.uniqueArray(bar, { minLength: 1, maxLength: 4, selector: (one) => one.key });
const back = fc.integer({ min: 1, max: 4 });
const drain = fc.record({
  kind: fc.constant("drain" as const),
  back,
  count: back,
  old: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("flush" as const), bars }) },
  { weight: 7, arbitrary: drain },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("promise" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("history" as const), bars }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("update" as const), bar }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      // Some exactly at the horizon.
      share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  },
);

/** Every way that a drain can end, for none of them may be left to chance. */
const flush: Step = { kind: "flush", bars: [{ key: 0, close: 100 }] };
const drainOf = (from: number, count: number, old = false): Step => ({
  kind: "drain",
  back: from,
  count,
  old,
});
const EVERY_END: Step[] = [
  flush,
  drainOf(1, 1),
  drainOf(1, 1),
  flush,
  flush,
  drainOf(1, 1),
  drainOf(2, 2),
  { kind: "epoch" },
  flush,
  drainOf(1, 1),
  drainOf(1, 1, true),
];

/** A change by hand, and the same told again by a provider: which is no news. */
const TOLD_AGAIN: Step[] = [
  { kind: "history", bars: [{ key: 0, close: 104 }] },
  { kind: "update", bar: { key: 0, close: 103 } },
  { kind: "history", bars: [{ key: 0, close: 103 }] },
  { kind: "flush", bars: [{ key: 1, close: 100 }] },
  { kind: "delete", key: 0 },
  drainOf(1, 1),
];

describe("a read as of T below the horizon", () => {
  it(
    "finds what a list of all beliefs finds, and the same again for ever, whatever happens in between",
    async () => {
      let group = 0;
      const seen = new Map<string, number>();
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: MAX_STEPS }),
        async (steps) => {
          group += 1;
          const world = new BeliefWorld(test, group);
          await world.open();
          for (const one of steps) {
            const [actual, expected] = await world.take(one);
            expect(actual).toEqual(expected);
          }
          for (const { asOf, found } of world.reads) expect(await world.read(asOf)).toEqual(found);
          const { horizon } = world.model;
          expect(await world.read(horizon)).toEqual(world.model.read(horizon));
          for (const [end, times] of world.drains) seen.set(end, (seen.get(end) ?? 0) + times);
        },
      );
      await fc.assert(property, { numRuns: RUNS, examples: [[EVERY_END], [TOLD_AGAIN]] });
      // What the proof is about did happen.
      for (const end of ["stored", "MDS01", "MDS02", "MDS03"])
        expect([end, (seen.get(end) ?? 0) > 0]).toEqual([end, true]);
    },
    TIMEOUT_MS,
  );
});
