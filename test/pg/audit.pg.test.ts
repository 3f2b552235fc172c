import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlushRow } from "../../src/contracts/flush.ts";
import { fingerprintOf } from "../../src/domain/fingerprint.ts";
import { readAuditBars, readAuditHoles } from "../../src/postgres/audit-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const MINUTE_MS = 60_000;
const at = (index: number) => OPEN_MS + index * MINUTE_MS;
const WINDOW = { startMs: at(0), endMs: at(390) };

/** Values of providers that are hard to carry: absent ones, fractions, and the ends of what a double holds. */
const HARD: readonly FlushRow[] = [
  row({ volume: 1_234.000_000_1 }),
  row({ ts: at(1), volume: 0.1 + 0.2, close: 1e-7 }),
  row({ ts: at(2), volume: 9_007_199_254_740_991 }),
  row({ ts: at(3), volume: 0 }),
];
function withoutCounts(source: FlushRow): FlushRow {
  const copy: FlushRow = [...source];
  copy[7] = null;
  copy[8] = null;
  return copy;
}
function barOf([symbol, ts, open, high, low, close, volume, tradeCount, vwap]: FlushRow) {
  return { symbol, ts, open, high, low, close, volume, tradeCount, vwap };
}

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: [
        ...HARD,
        ...HARD.map((each) => withoutCounts([...each])).map((each): FlushRow => {
          const copy: FlushRow = [...each];
          copy[0] = "NULLS";
          return copy;
        }),
        row({ symbol: "GONE" }),
        row({ symbol: "GONE", ts: at(1) }),
        row({ symbol: "HAND" }),
        row({ symbol: "AAPL", ts: at(390) }),
      ],
      gaps: [gap("open", 5, 9, "GONE"), gap("open", 389, 395, "GONE")],
    }),
  ]);
});
afterAll(async () => {
  await test.stop();
});

const read = async (...symbols: string[]) =>
  (await readAuditBars(test.sql, symbols, WINDOW)).toSorted((a, b) => a.ts - b.ts);
const run = async (text: string) => await test.sql.query({ text, params: [] });

describe("the bars that an audit reads", () => {
  it("have the fingerprint that the group made of the same bar, whatever its values", async () => {
    for (const [symbol, rows] of [
      ["AAPL", HARD],
      ["NULLS", HARD.map(withoutCounts)],
    ] as const) {
      const stored = await read(symbol);
      expect(stored.map(({ ts, revision }) => [ts, revision])).toEqual(
        rows.map((each) => [each[1], 0]),
      );
      expect(stored.map(({ fingerprint }) => fingerprint)).toEqual(
        rows.map((each) => fingerprintOf(barOf(each))),
      );
    }
    const [with_, without] = [await read("AAPL"), await read("NULLS")];
    expect(with_[0]?.fingerprint).not.toEqual(without[0]?.fingerprint);
  });

  it("are those that are there now: not a deleted one, and a changed one as it was changed", async () => {
    const [before] = await read("HAND");
    await run(
      "delete from candles_intraday where symbol = 'GONE' and extract(minute from ts) = 30",
    );
    await run("update candles_intraday set volume = volume + 1 where symbol = 'HAND'");
    expect((await read("GONE")).map(({ ts }) => ts)).toEqual([at(1)]);
    const [after] = await read("HAND");
    expect(after?.revision).toBe(1);
    expect(after?.fingerprint).not.toEqual(before?.fingerprint);
  });

  it("come with the holes of the window, that of a deleted bar among them", async () => {
    await run(
      "delete from candles_intraday where symbol = 'GONE' and extract(minute from ts) = 30",
    );
    const holes = await readAuditHoles(test.sql, ["AAPL", "GONE"], WINDOW);
    expect(holes).toEqual([
      { symbol: "GONE", startMs: at(0), endMs: at(1) },
      { symbol: "GONE", startMs: at(5), endMs: at(9) },
      { symbol: "GONE", startMs: at(389), endMs: at(390) },
    ]);
    expect(await readAuditHoles(test.sql, [], WINDOW)).toEqual([]);
  });

  it("are of a page of symbols at most", async () => {
    const many = Array.from({ length: 21 }, (_, index) => `S${index}`);
    await expect(readAuditBars(test.sql, many, WINDOW)).rejects.toThrow(RangeError);
  });
});
