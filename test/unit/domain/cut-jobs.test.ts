import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CuttableJob, cutAlongGroups } from "../../../src/domain/cut-jobs.ts";
import { groupOf } from "../../../src/domain/symbol.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { manySymbols } from "../../support/many-symbols.ts";

const GROUPS = 4;
const POOL = manySymbols(40);

function jobOf(id: string, symbols: readonly string[], part: Partial<CuttableJob> = {}) {
  return { id, symbols, startMs: 0, endMs: MINUTE_MS, priority: 0, ...part };
}

const jobs = fc
  .array(
    fc.record({
      symbols: fc.uniqueArray(fc.constantFrom(...POOL), { minLength: 1, maxLength: 5 }),
      minute: fc.nat(2),
      priority: fc.nat(9),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((drafts) =>
    drafts.map(({ symbols, minute, priority }, index) =>
      jobOf(`job-${index}`, symbols, {
        startMs: minute * MINUTE_MS,
        endMs: (minute + 1) * MINUTE_MS,
        priority,
      }),
    ),
  );

describe("a coordinator's jobs", () => {
  it("that ask a group for the same range become one part of it, each symbol once", () => {
    const same = POOL.filter((symbol) => groupOf(symbol, GROUPS) === 1).slice(0, 3);
    const [a = "", b = "", c = ""] = same;
    const parts = cutAlongGroups([jobOf("j1", [a, b]), jobOf("j2", [b, c])], GROUPS, 1_000);
    expect(parts).toMatchObject([{ id: "j1", jobs: ["j1", "j2"], group: 1, symbols: [a, b, c] }]);
  });

  it("come most urgent first, those of one priority in the order they came in", () => {
    const [symbol = ""] = POOL;
    const urgent = cutAlongGroups(
      [
        jobOf("late", [symbol], { priority: 5 }),
        jobOf("first", [symbol], { endMs: 2 * MINUTE_MS }),
        jobOf("second", [symbol], { endMs: 3 * MINUTE_MS }),
      ],
      GROUPS,
      1_000,
    );
    expect(urgent.map((part) => part.id)).toEqual(["first", "second", "late"]);
  });

  it("are cut so that each symbol of each job is asked for once in its own group and range", () => {
    fc.assert(
      fc.property(jobs, fc.integer({ min: 5, max: 7 }), (given, maxSymbols) => {
        const parts = cutAlongGroups(given, GROUPS, maxSymbols);
        for (const job of given) {
          const own = parts.filter((part) => part.jobs.includes(job.id));
          for (const part of own) {
            expect([part.startMs, part.endMs]).toEqual([job.startMs, job.endMs]);
          }
          const asked = own.flatMap((part) => part.symbols);
          for (const symbol of job.symbols)
            expect(asked.filter((one) => one === symbol)).toHaveLength(1);
        }
        for (const part of parts) {
          expect(part.symbols.length).toBeLessThanOrEqual(maxSymbols);
          expect(part.symbols.every((one) => groupOf(one, GROUPS) === part.group)).toBe(true);
        }
        const names = parts.map((part) => `${part.group}:${part.id}`);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 300 },
    );
  });
});
