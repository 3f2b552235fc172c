import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PageQuery, readBars } from "../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { storeHistory } from "../../src/postgres/history-store.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const MINUTE_MS = 60_000;
const SYMBOLS = ["A", "AAPL", "BRK.A", "BRKA", "HIST", "IEXED", "Z"];
const minute = (n: number) => OPEN_MS + n * MINUTE_MS;
const known = (fs: number) => OPEN_MS + MINUTE_MS + fs * 1_000;
const LATER_MS = OPEN_MS + 3_600_000;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: ["Z", "AAPL", "BRKA", "BRK.A"].flatMap((symbol) =>
        [0, 1].map((n) => row({ symbol, ts: minute(n), close: 100 + n })),
      ),
    }),
    flush(2, { rows: [row({ symbol: "AAPL", ts: minute(0), close: 105, revision: 1 })] }),
    flush(3, { rows: [row({ symbol: "AAPL", ts: minute(0), close: 106, revision: 2 })] }),
  ]);
  await storeHistory(test.sql, {
    group: 7,
    interval: "1m",
    source: { provider: "iex", feed: "iex" },
    askedAt: LATER_MS,
    settle: false,
    bars: ["HIST", "IEXED"].map((symbol) => ({
      symbol,
      ts: minute(0),
      open: 50,
      high: 50,
      low: 50,
      close: 50,
      volume: 1,
      tradeCount: 1,
      vwap: 50,
    })),
    sessionOf: () => "regular",
    nowMs: LATER_MS,
  });
  await test.database.query("delete from candles_intraday where symbol = 'Z' and ts = $1", [
    new Date(minute(0)).toISOString(),
  ]);
});
afterAll(async () => {
  await test.stop();
});

type Change = Partial<Omit<PageQuery, "startMs" | "endMs">>;
const closesOf = async (startMs: number, endMs: number, change: Change) =>
  (
    await readBars(test.sql, {
      symbols: SYMBOLS,
      interval: "1m",
      startMs,
      endMs,
      asOfMs: known(3),
      limit: 1_000,
      ...change,
    })
  ).map(({ symbol, ts, close }) => [symbol, (ts - OPEN_MS) / MINUTE_MS, close]);

describe("one minute of many symbols", () => {
  it.each<[string, Change, [string, number][]]>([
    [
      "as it is believed, in byte order, what was deleted by hand too",
      {},
      [
        ["AAPL", 106],
        ["BRK.A", 100],
        ["BRKA", 100],
        ["Z", 100],
      ],
    ],
    [
      "as it was believed before",
      { asOfMs: known(2), symbols: ["AAPL", "NONE", "AAPL"] },
      [["AAPL", 105]],
    ],
    ["when nothing was known yet", { asOfMs: known(1) - 1 }, []],
    [
      "with history that counts as known when it happened",
      { storedByMs: LATER_MS + 1, symbols: ["AAPL", "HIST", "IEXED"], asOfMs: minute(3) },
      [
        ["AAPL", 106],
        ["HIST", 50],
        ["IEXED", 50],
      ],
    ],
    [
      "of one feed",
      { feed: "iex", asOfMs: LATER_MS + 1 },
      [
        ["HIST", 50],
        ["IEXED", 50],
      ],
    ],
    ["of chosen sessions alone", { within: [{ startMs: minute(1), endMs: minute(9) }] }, []],
    [
      "a page at a time",
      { limit: 2 },
      [
        ["AAPL", 106],
        ["BRK.A", 100],
      ],
    ],
    [
      "from behind a page",
      { after: { symbol: "BRK.A", ts: minute(0) } },
      [
        ["BRKA", 100],
        ["Z", 100],
      ],
    ],
    [
      "the other way round too, for a symbol has one bar of it",
      { sort: "desc", after: { symbol: "AAPL", ts: minute(0) }, limit: 1 },
      [["BRK.A", 100]],
    ],
  ])("is read %s", async (_name, change, expected) => {
    const minutes = await closesOf(minute(0), minute(1), change);
    expect(minutes).toEqual(expected.map(([symbol, close]) => [symbol, 0, close]));
    // What is longer than a minute is read symbol by symbol, and says the same of it.
    const longer = await closesOf(minute(0) - 1, minute(1), change);
    expect(longer).toEqual(minutes);
  });

  it("and less of it is a bar only when that starts in it", async () => {
    expect(await closesOf(minute(0), minute(0) + 1, { symbols: ["AAPL"] })).toEqual([
      ["AAPL", 0, 106],
    ]);
    expect(await closesOf(minute(0) + 1, minute(1), { symbols: ["AAPL"] })).toEqual([]);
    expect(await closesOf(minute(0) + 1, minute(1) + 1, { symbols: ["AAPL"] })).toEqual([
      ["AAPL", 1, 101],
    ]);
  });
});
