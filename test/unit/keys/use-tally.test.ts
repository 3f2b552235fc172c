import { describe, expect, it } from "vitest";
import { MAX_USE_ROWS } from "../../../src/contracts/keys.ts";
import { UseTally } from "../../../src/keys/use-tally.ts";

describe("the use of keys", () => {
  it("is summed by key until it is taken, and put back when it could not be told", () => {
    const tally = new UseTally();
    tally.note("a", false, 5);
    tally.note("a", true, 3);
    tally.note("b", false, 1);
    const taken = tally.take();
    expect(taken).toEqual([
      { id: "a", requests: 2, refused: 1, lastMs: 5 },
      { id: "b", requests: 1, refused: 0, lastMs: 1 },
    ]);
    expect(tally.take()).toEqual([]);
    tally.note("a", false, 9);
    tally.putBack(taken);
    expect(tally.take()[0]).toEqual({ id: "a", requests: 3, refused: 1, lastMs: 9 });
  });

  it("is counted of a bounded number of keys", () => {
    const tally = new UseTally();
    for (let key = 0; key < MAX_USE_ROWS + 10; key += 1) tally.note(`k${key}`, false, key);
    tally.note("k0", false, 1);
    const taken = tally.take();
    expect([taken.length, taken[0]?.requests]).toEqual([MAX_USE_ROWS, 2]);
  });
});
