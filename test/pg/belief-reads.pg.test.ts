import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY_MS, toIso } from "../../src/domain/time.ts";
import { readBars } from "../../src/postgres/bars-store.ts";
import {
  DAY_FILE_COLUMNS,
  type DayFileQuery,
  readDayLines,
  readDaySymbols,
} from "../../src/postgres/day-file-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { readLatestBars } from "../../src/postgres/latest-store.ts";
import { readRevisions } from "../../src/postgres/revisions-store.ts";
import type { StoredBar } from "../../src/postgres/stored-bar.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const minute = (n: number) => OPEN_MS + n * 60_000;
const known = (fs: number) => OPEN_MS + 60_000 + fs * 1_000;
const FRIDAY = Date.UTC(2026, 2, 20);
const FAR_MS = OPEN_MS - 60 * DAY_MS;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: [
        row({ ts: minute(-2) }),
        row({ ts: minute(-1) }),
        row({ symbol: "BRKA", ts: minute(-1) }),
        row({ symbol: "BRK.A", ts: minute(-2) }),
        row({ symbol: "OLD", ts: FAR_MS }),
        row({ symbol: "OLDER", ts: FAR_MS, close: 99 }),
        row({ symbol: "OLDER", ts: FAR_MS - DAY_MS }),
      ],
      daily: [
        row({ ts: FRIDAY - DAY_MS }),
        row({ ts: FRIDAY }),
        row({ symbol: "OLD", ts: FRIDAY - 9 * DAY_MS }),
      ],
    }),
    flush(2, { rows: [row({ ts: minute(-1), close: 101, revision: 1 })] }),
    flush(3, {
      rows: [row({ close: 103 }), row({ ts: minute(-1), close: 102, revision: 2 })],
      daily: [row({ ts: FRIDAY, close: 104, revision: 1 })],
    }),
  ]);
  await test.database.query(
    `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", first_seen, last_seen)
    select s, row_number() over (), 'x', 'XNAS', 'CS', 'T0', 7, '2026-03-20', '2026-03-20'
    from unnest(array['AAPL', 'BRKA', 'BRK.A', 'OLD', 'OLDER', 'NEVER']) s`,
  );
});
afterAll(async () => {
  await test.stop();
});

const told = (bar: StoredBar) => [bar.symbol, (bar.ts - OPEN_MS) / 60_000, bar.close];

describe("the last bar of a symbol", () => {
  const symbols = ["OLDER", "BRKA", "NEVER", "AAPL", "BRK.A", "OLD", "AAPL"];
  const latest = async (asOfMs: number) =>
    (await readLatestBars(test.sql, { symbols, interval: "1m", asOfMs })).map(told);
  const FAR = (FAR_MS - OPEN_MS) / 60_000;

  it("is the youngest one, however long ago, by symbol; a symbol without bars has none", async () => {
    expect(await latest(known(9))).toEqual([
      ["AAPL", 0, 103],
      ["BRK.A", -2, 100.5],
      ["BRKA", -1, 100.5],
      ["OLD", FAR, 100.5],
      ["OLDER", FAR, 99],
    ]);
  });

  it("is the one of that time, with the values that were believed then", async () => {
    const of = async (asOfMs: number) => (await latest(asOfMs)).filter(([name]) => name === "AAPL");
    expect(await of(known(1) - 1)).toEqual([]);
    expect(await of(known(1))).toEqual([["AAPL", -1, 100.5]]);
    expect(await of(known(2))).toEqual([["AAPL", -1, 101]]);
    expect(await of(known(3) - 1)).toEqual([["AAPL", -1, 101]]);
    expect(await of(known(3))).toEqual([["AAPL", 0, 103]]);
  });

  it("is found on both sides of the bound of a week, once", async () => {
    for (const days of [6, 7, 8, 60, 61, 67, 68]) {
      const asOfMs = known(9) + days * DAY_MS;
      expect((await latest(asOfMs)).map(([symbol]) => symbol)).toEqual([
        "AAPL",
        "BRK.A",
        "BRKA",
        "OLD",
        "OLDER",
      ]);
    }
  });

  it("may be a daily one, as it was known", async () => {
    const at = async (asOfMs: number) =>
      (await readLatestBars(test.sql, { symbols: ["AAPL", "OLD"], interval: "1d", asOfMs })).map(
        (bar) => [bar.symbol, bar.ts, bar.close, bar.session],
      );
    const old = ["OLD", FRIDAY - 9 * DAY_MS, 100.5, "regular"];
    expect(await at(known(2))).toEqual([["AAPL", FRIDAY, 100.5, "regular"], old]);
    expect(await at(known(3))).toEqual([["AAPL", FRIDAY, 104, "regular"], old]);
  });
});

describe("the history of a bar", () => {
  it("is every belief with its source, oldest first, what is believed now last", async () => {
    const beliefs = await readRevisions(test.sql, {
      symbol: "AAPL",
      interval: "1m",
      ts: minute(-1),
    });
    expect(beliefs.map((one) => [one.close, one.revision, one.asOfMs, one.current])).toEqual([
      [100.5, 0, known(1), false],
      [101, 1, known(2), false],
      [102, 2, known(3), true],
    ]);
    expect(beliefs[0]).toMatchObject({
      provider: "alpaca",
      feed: "sip",
      askedAtMs: minute(-1) + 62_000,
    });
  });

  it("of a daily bar goes by its date, and by no other instant of it", async () => {
    const of = (ts: number) => readRevisions(test.sql, { symbol: "AAPL", interval: "1d", ts });
    expect((await of(FRIDAY)).map((one) => [one.close, one.current, one.ts])).toEqual([
      [100.5, false, FRIDAY],
      [104, true, FRIDAY],
    ]);
    expect(await of(FRIDAY + 1)).toEqual([]);
  });
});

describe("the lines of a day file", () => {
  const query: DayFileQuery = {
    startMs: minute(-5),
    endMs: minute(390),
    asOfMs: known(9),
    tier: null,
  };

  it("are the bars of an as-of read, value by value, in its order", async () => {
    for (const asOfMs of [known(1), known(2), known(3)]) {
      const asked = { ...query, asOfMs };
      const symbols = await readDaySymbols(test.sql, asked);
      expect(symbols).toEqual(["AAPL", "BRK.A", "BRKA"]);
      const bars = await readBars(test.sql, { ...asked, symbols, interval: "1m", limit: 100 });
      const lines = bars.map((bar) => {
        const { asOfMs: asOf, askedAtMs: _, tradeCount, ts, ...same } = bar;
        const values: Record<string, unknown> = {
          ...same,
          ts: toIso(ts),
          as_of: toIso(asOf),
          trade_count: tradeCount,
        };
        return `${DAY_FILE_COLUMNS.map((column) => String(values[column])).join(",")}\r\n`;
      });
      expect(await readDayLines(test.sql, symbols, asked)).toBe(lines.join(""));
    }
    expect(await readDayLines(test.sql, ["NEVER"], query)).toBe("");
  });

  it("leave empty what the provider did not give", async () => {
    await test.database.query(
      "update candles_intraday set vwap = null, trade_count = null where symbol = 'BRK.A'",
    );
    const line = await readDayLines(test.sql, ["BRK.A"], { ...query, asOfMs: known(99_999) });
    expect(line.split(",").slice(6, 10)).toEqual(["1234.5", "", "", "alpaca"]);
  });

  it("are of the tier that a symbol was known to have at that time", async () => {
    const day = toIso(OPEN_MS);
    await test.database.query(
      `insert into universe_refreshes (version, as_of, trading_date)
      select v, $1::timestamptz + v * interval '1 day', '2026-03-20' from generate_series(1, 2) v`,
      [day],
    );
    await test.database.query(
      `insert into universe_versions
        (version, as_of, symbol, kinds, sid, active, name, exchange, type, tier, first_seen)
      select v, $1::timestamptz + v * interval '1 day', 'AAPL', '{added}', 1, true, 'x', 'XNAS', 'CS',
        'T' || v, '2026-03-20' from generate_series(1, 2) v`,
      [day],
    );
    const of = (tier: "T1" | "T2", days: number) =>
      readDaySymbols(test.sql, { ...query, tier, asOfMs: OPEN_MS + days * DAY_MS });
    expect(await Promise.all([of("T1", 1), of("T2", 1), of("T1", 2), of("T2", 2)])).toEqual([
      ["AAPL"],
      [],
      [],
      ["AAPL"],
    ]);
  });
});
