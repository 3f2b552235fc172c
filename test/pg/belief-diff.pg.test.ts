import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bar } from "../../src/domain/bar.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { type BarChange, type DiffQuery, readDiff } from "../../src/postgres/diff-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { readGroupSymbols } from "../../src/postgres/group-symbols.ts";
import { storeHistory } from "../../src/postgres/history-store.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const minute = (n: number) => OPEN_MS + n * 60_000;
/** When the flush of that number became known. */
const known = (fs: number) => OPEN_MS + 60_000 + fs * 1_000;
const FRIDAY = Date.UTC(2026, 2, 20);
const OLD_MS = Date.UTC(2026, 0, 5, 15);
const HISTORY_AT_MS = known(10);
const everything: DiffQuery = {
  symbols: ["AAPL", "BRK.A", "BRKA", "SPY"],
  interval: "1m",
  afterMs: known(0),
  untilMs: known(100),
  startMs: null,
  endMs: null,
  limit: 100,
  withBefore: false,
};

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: ["SPY", "BRKA", "BRK.A", "AAPL"].map((symbol) => row({ symbol })),
      daily: [row({ ts: FRIDAY })],
    }),
    flush(2, { rows: [row({ close: 101, revision: 1 }), row({ ts: minute(1) })] }),
    flush(3, {
      rows: [row({ close: 102, revision: 2 }), row({ symbol: "SPY", close: 99, revision: 1 })],
      daily: [row({ ts: FRIDAY, close: 101, revision: 1 })],
    }),
  ]);
  const old: Bar = {
    symbol: "AAPL",
    ts: OLD_MS,
    open: 9,
    high: 9,
    low: 9,
    close: 9,
    volume: 1,
    vwap: null,
    tradeCount: null,
  };
  await storeHistory(test.sql, {
    group: 7,
    interval: "1m",
    source: { provider: "polygon", feed: "sip" },
    settle: false,
    askedAt: HISTORY_AT_MS,
    bars: [old],
    sessionOf: () => "regular",
    nowMs: HISTORY_AT_MS,
  });
});
afterAll(async () => {
  await test.stop();
});

const told = ({ bar }: BarChange) =>
  `${bar.symbol} ${bar.ts === OLD_MS ? "old" : (bar.ts - OPEN_MS) / 60_000} r${bar.revision} ${bar.close}`;

async function pagesOf(query: DiffQuery): Promise<BarChange[]> {
  const changes: BarChange[] = [];
  for (;;) {
    const last = changes.at(-1);
    const page = await readDiff(test.sql, { ...query, ...(last && { after: last.place }) });
    changes.push(...page);
    if (page.length < query.limit) return changes;
    if (changes.length > 1_000) throw new Error("the pages do not end");
  }
}

const ALL = [
  "AAPL 0 r0 100.5",
  "BRK.A 0 r0 100.5",
  "BRKA 0 r0 100.5",
  "SPY 0 r0 100.5",
  "AAPL 0 r1 101",
  "AAPL 1 r0 100.5",
  "AAPL 0 r2 102",
  "SPY 0 r1 99",
  "AAPL old r0 9",
];

describe("what became known between two times", () => {
  it("is every belief of both lanes, by knowledge time, symbol in byte order and start", async () => {
    const changes = await readDiff(test.sql, everything);
    expect(changes.map(told)).toEqual(ALL);
    const providers = changes.map(({ bar }) => bar.provider);
    expect([new Set(providers.slice(0, 8)), providers[8]]).toEqual([
      new Set(["alpaca"]),
      "polygon",
    ]);
  });

  it("comes in pages of any size without a row lost or doubled", async () => {
    for (const limit of [1, 2, 3, 4, 5, 8, 9, 10]) {
      expect((await pagesOf({ ...everything, limit })).map(told), `pages of ${limit}`).toEqual(ALL);
    }
  });

  it("is the same when the symbols are among many", async () => {
    const others = Array.from(
      { length: 300 },
      (_, at) => `NONE.${"ABCDEFGHIJ".charAt(at % 10)}${at}`,
    );
    const symbols = [...everything.symbols, ...others];
    for (const limit of [2, 9]) {
      const pages = await pagesOf({ ...everything, symbols, limit });
      expect(pages.map(told)).toEqual(ALL);
    }
    const query: DiffQuery = { ...everything, symbols, interval: "1d" };
    expect(await readDiff(test.sql, query)).toHaveLength(2);
  });

  it("leaves out what was known at the first time and has what was known at the second, so spans join", async () => {
    const cuts = [known(0), known(1) - 1, known(1), known(2), known(2) + 1, known(3), known(100)];
    const joined: string[] = [];
    for (const [at, untilMs] of cuts.slice(1).entries()) {
      const afterMs = cuts[at] ?? 0;
      const part = await readDiff(test.sql, { ...everything, afterMs, untilMs });
      for (const { bar } of part) {
        expect(bar.asOfMs).toBeGreaterThan(afterMs);
        expect(bar.asOfMs).toBeLessThanOrEqual(untilMs);
      }
      joined.push(...part.map(told));
    }
    expect(joined).toEqual(ALL);
    expect(
      await readDiff(test.sql, { ...everything, afterMs: known(3), untilMs: known(3) }),
    ).toEqual([]);
  });

  it("has nothing of other symbols, nor of bars outside the bounds of start", async () => {
    const own = await readDiff(test.sql, { ...everything, symbols: ["SPY", "NONE"] });
    expect(own.map(told)).toEqual(["SPY 0 r0 100.5", "SPY 0 r1 99"]);
    const bounds = { startMs: minute(1), endMs: minute(2) };
    expect((await readDiff(test.sql, { ...everything, ...bounds })).map(told)).toEqual([
      "AAPL 1 r0 100.5",
    ]);
  });

  it("says on demand what was believed before, which is nothing for a first belief", async () => {
    const changes = await readDiff(test.sql, { ...everything, withBefore: true });
    const before = changes.map((change) => [told(change), change.before?.close ?? null]);
    expect(before.filter(([, close]) => close !== null)).toEqual([
      ["AAPL 0 r1 101", 100.5],
      ["AAPL 0 r2 102", 101],
      ["SPY 0 r1 99", 100.5],
    ]);
    const replaced = changes.find((change) => told(change) === "AAPL 0 r2 102")?.before;
    expect(replaced).toEqual(changes.find((change) => told(change) === "AAPL 0 r1 101")?.bar);
  });

  it("has daily bars and their revisions under their own interval", async () => {
    for (const limit of [1, 2, 3]) {
      const changes = await pagesOf({ ...everything, interval: "1d", limit, withBefore: true });
      expect(
        changes.map(({ bar, before }) => [bar.ts, bar.revision, bar.close, before?.close]),
      ).toEqual([
        [FRIDAY, 0, 100.5, undefined],
        [FRIDAY, 1, 101, 100.5],
      ]);
    }
    const none = { startMs: FRIDAY + 1, endMs: FRIDAY + DAY_MS };
    expect(await readDiff(test.sql, { ...everything, ...none, interval: "1d" })).toEqual([]);
  });

  it("pages over knowledge times finer than a millisecond, as an update by hand makes them", async () => {
    for (const micros of ["000111", "000112"]) {
      await test.database.query(
        `update candles_intraday set close = 100.6, as_of = $1 where symbol = 'BRKA'`,
        [`2026-03-21T00:00:00.${micros}Z`],
      );
    }
    const query = { ...everything, afterMs: known(100), untilMs: OPEN_MS + 2 * DAY_MS };
    for (const limit of [1, 2, 3]) {
      expect((await pagesOf({ ...query, limit })).map(told)).toEqual([
        "BRKA 0 r0 100.6",
        "BRKA 0 r0 100.6",
      ]);
    }
  });

  it("refuses questions without a bound", async () => {
    await expect(readDiff(test.sql, { ...everything, limit: 10_001 })).rejects.toThrow(RangeError);
    const symbols = Array.from({ length: 20_001 }, () => "A");
    await expect(readDiff(test.sql, { ...everything, symbols })).rejects.toThrow(RangeError);
  });
});

describe("the symbols of a group", () => {
  it("are all it was ever home of: the bars of who left are still revised", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
      values ('SPY', 1, 'x', 'ARCX', 'ETF', 'T0', 7, true, '2026-03-20', '2026-03-20'),
        ('GONE', 2, 'x', 'XNAS', 'CS', 'T1', 7, false, '2026-03-20', '2026-03-20'),
        ('ELSE', 3, 'x', 'XNAS', 'CS', 'T1', 8, true, '2026-03-20', '2026-03-20')`,
    );
    expect(await readGroupSymbols(test.sql, 7)).toEqual(["GONE", "SPY"]);
  });
});
