import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { rowsOf } from "../../../src/contracts/rows.ts";

const row = z.tuple([
  z.string(),
  z.number(),
  z.number().int(),
  z.number().nullable(),
  z.enum(["a", "b"]),
  z.enum(["c"]).nullable(),
  z.boolean(),
  z.string().max(2),
  z.int(),
]);
const GOOD = ["", 0.5, 1, null, "a", null, true, "xy", 2];

const cell = fc.oneof(
  fc.constantFrom(...GOOD, "b", "c", "xyz", undefined, Number.NaN, Infinity, {}, []),
  fc.jsonValue(),
);
/** Rows that are nearly right, and anything at all. */
const rows = fc.oneof(
  fc.array(
    fc
      .array(fc.tuple(fc.nat(GOOD.length), cell), { maxLength: 1 })
      .map((changes) =>
        changes.reduce<unknown[]>((all, [at, to]) => all.with(Math.min(at, 8), to), GOOD),
      ),
    { maxLength: 3 },
  ),
  fc.constantFrom<unknown>([GOOD, GOOD.slice(1)], [[...GOOD, 1]], null, {}, "rows"),
  fc.jsonValue(),
);

describe("a list of rows", () => {
  it("takes what a list of tuples takes, and nothing else", () => {
    const ours = rowsOf(row);
    const theirs = z.array(row);
    let taken = 0;
    fc.assert(
      fc.property(rows, (list) => {
        const expected = theirs.safeParse(list);
        const found = ours.safeParse(list);
        expect(found.success).toBe(expected.success);
        expect(found.data).toEqual(expected.data);
        if (found.success) taken += 1;
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  it("refuses a tuple of any length", () => {
    expect(() => rowsOf(z.tuple([z.string()], z.number()))).toThrow("a row has a length");
  });

  it("says which cell of which row is wrong", () => {
    const { error } = rowsOf(row).safeParse([GOOD, GOOD.with(4, "z")]);
    expect(error?.message).toContain("expected one of");
    expect(error?.issues[0]?.message).toMatch(/"path": \[\s*1,\s*4\s*\]/);
  });
});
