import { describe, expect, it } from "vitest";
import { blockSql, RowBlock } from "../../../src/postgres/row-block.ts";

const block = (row: Record<string, string | null>) => new RowBlock([row]);

describe("a block of rows", () => {
  it("gives each column in its kind", () => {
    const read = block({
      symbol: "AAPL,BRK.B",
      close: "{20.05,1e-07}",
      vwap: "{NULL,3}",
      bars: "{60,7}",
      late: "{t,f}",
      ts: "{1763000000,1763000060.123}",
      feed: "sip,iex",
    });
    expect(read.size).toBe(2);
    expect(read.texts("symbol")).toEqual(["AAPL", "BRK.B"]);
    expect(read.numbers("close")).toEqual([20.05, 1e-7]);
    expect(read.numbersOrNull("vwap")).toEqual([null, 3]);
    expect(read.integers("bars")).toEqual([60, 7]);
    expect(read.booleans("late")).toEqual([true, false]);
    expect(read.instants("ts")).toEqual([1_763_000_000_000, 1_763_000_060_123]);
    expect(read.oneOf("feed", ["sip", "iex"])).toEqual(["sip", "iex"]);
  });

  it("is empty when nothing was found, or nothing was asked", () => {
    for (const read of [block({ symbol: null, close: null }), new RowBlock([])]) {
      expect(read.size).toBe(0);
      expect(read.numbers("close")).toEqual([]);
    }
  });

  it.each([
    ["a number that is none", (read: RowBlock) => read.numbers("text")],
    ["a number that is not finite", (read: RowBlock) => read.numbers("infinite")],
    ["a null where none may be", (read: RowBlock) => read.numbers("absent")],
    ["a fraction as a whole number", (read: RowBlock) => read.integers("fraction")],
    ["an empty value", (read: RowBlock) => read.integersOrNull("empty")],
    ["an unknown word", (read: RowBlock) => read.oneOf("text", ["sip"])],
    ["a word as a truth", (read: RowBlock) => read.booleans("text")],
    ["a column that it has not", (read: RowBlock) => read.texts("missing")],
  ])("refuses %s", (_, act) => {
    const read = block({
      text: "otc",
      infinite: "{Infinity}",
      absent: "{NULL}",
      fraction: "{1.5}",
      empty: "{}",
    });
    expect(() => act(read)).toThrow(TypeError);
  });

  it.each([
    { a: "x,y", b: "{1}" },
    { a: "x", b: null },
  ])("refuses columns that are not of one length: %o", (row) => {
    expect(() => block(row)).toThrow(/one length/);
  });

  it("is selected column by column, in the order of the rows", () => {
    expect(blockSql({ symbol: "text", ts: "instant", open: "value" }, "select 1")).toBe(
      "select string_agg(block.symbol, ',') as symbol, array_agg(date_part('epoch', block.ts))::text as ts, array_agg(block.open)::text as open from (select 1) block",
    );
  });
});
