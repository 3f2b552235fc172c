import { describe, expect, it } from "vitest";
import { checkSplits, type Split, splitFactor } from "../../../src/domain/split.ts";
import { splitChanges, type StoredSplit } from "../../../src/domain/split-changes.ts";

const WINDOW = { from: "2022-06-01", through: "2022-06-30" };
const split = (change: Partial<Split> = {}): Split => ({
  symbol: "AMZN",
  exDate: "2022-06-06",
  from: 1,
  to: 20,
  ...change,
});
const stored = (change: Partial<StoredSplit> = {}): StoredSplit => ({
  ...split(),
  source: "polygon",
  cancelled: false,
  ...change,
});

describe("the factor of a split", () => {
  it("is new shares for an old one", () => {
    expect(splitFactor({ from: 1, to: 4 })).toBe(4);
    expect(splitFactor({ from: 10, to: 1 })).toBe(0.1);
    expect(splitFactor({ from: 2, to: 3 })).toBe(1.5);
  });
});

describe("the check of an answer", () => {
  it.each([
    ["a date before the window", split({ exDate: "2022-05-31" }), "out_of_window"],
    ["a date after it", split({ exDate: "2022-07-01" }), "out_of_window"],
    ["a date that is none", split({ exDate: "2022-06-31" }), "out_of_window"],
    ["no new share", split({ to: 0 }), "bad_ratio"],
    ["less than no share", split({ from: -1 }), "bad_ratio"],
    ["no number", split({ from: Number.NaN }), "bad_ratio"],
    ["an endless number", split({ to: Infinity }), "bad_ratio"],
    ["share for share", split({ from: 20 }), "bad_ratio"],
    ["a ratio that no company has", split({ to: 100_001 }), "bad_ratio"],
  ])("refuses %s", (_, row, reason) => {
    expect(checkSplits([row, split({ symbol: "CTO" })], WINDOW)).toEqual({
      splits: [split({ symbol: "CTO" })],
      refused: { [reason]: 1 },
    });
  });

  it("counts the same row twice once, and believes neither of two ratios", () => {
    expect(checkSplits([split(), split()], WINDOW)).toEqual({ splits: [split()], refused: {} });
    const { splits, refused } = checkSplits([split(), split({ to: 10 }), split()], WINDOW);
    expect([splits, refused]).toEqual([[], { conflict: 1 }]);
  });
});

describe("what an answer changes", () => {
  it("is new, other, and withdrawn splits", () => {
    const known = [stored(), stored({ symbol: "CTO" }), stored({ symbol: "SHOP" })];
    const answered = [split({ to: 10 }), split({ symbol: "CTO" }), split({ symbol: "DXCM" })];
    const { put, withdrawn } = splitChanges(known, answered, "polygon");
    expect(put.map(({ symbol }) => symbol)).toEqual(["AMZN", "DXCM"]);
    expect(withdrawn.map(({ symbol }) => symbol)).toEqual(["SHOP"]);
  });

  it("is a split that was withdrawn and is told of again, and no other withdrawal of it", () => {
    const known = [stored({ cancelled: true })];
    expect(splitChanges(known, [split()], "polygon").put).toEqual([split()]);
    expect(splitChanges(known, [], "polygon").withdrawn).toEqual([]);
  });

  it("doubts an answer that lacks more than half, of more than three", () => {
    const known = ["A", "B", "C", "D", "E", "F", "G", "H"].map((symbol) => stored({ symbol }));
    const told = (count: number) => known.slice(0, count);
    expect(splitChanges(known, told(4), "polygon")).toMatchObject({ isDoubted: false });
    const doubted = splitChanges(known, told(3), "polygon");
    expect([doubted.isDoubted, doubted.withdrawn]).toEqual([true, []]);
    expect(splitChanges(known.slice(0, 3), [], "polygon").withdrawn).toHaveLength(3);
  });
});
