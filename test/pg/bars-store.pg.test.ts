import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBars, type BarsQuery, type StoredBar } from "../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { loadGroupMembers } from "../../src/postgres/universe-store.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const MINUTE_MS = 60_000;
const minute = (n: number) => OPEN_MS + n * MINUTE_MS;
const everything: BarsQuery = {
  symbols: ["AAPL", "BRK.A", "BRKA", "SPY"],
  interval: "1m",
  startMs: OPEN_MS,
  endMs: minute(3 * 1_440),
  asOfMs: OPEN_MS + 9e8,
  limit: 100,
};
const keys = (bars: readonly StoredBar[]) =>
  bars.map((bar) => `${bar.symbol} ${(bar.ts - OPEN_MS) / MINUTE_MS}`);

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: [
        row({ close: 100 }),
        row({ ts: minute(1) }),
        row({ symbol: "BRKA" }),
        row({ symbol: "BRK.A" }),
        row({ symbol: "SPY", ts: minute(1_440) }),
        row({ symbol: "SPY", ts: minute(2_880) }),
      ],
    }),
    flush(2, { rows: [row({ close: 101, revision: 1 })] }),
    flush(3, { rows: [row({ close: 102, revision: 2 })] }),
  ]);
});
afterAll(async () => {
  await test.stop();
});

describe("bars as of a time", () => {
  it("are the newest belief of that time, to the millisecond", async () => {
    const closeAt = async (asOfMs: number) =>
      (await readBars(test.sql, { ...everything, asOfMs, endMs: minute(1) }))
        .filter((bar) => bar.symbol === "AAPL")
        .map((bar) => [bar.close, bar.revision, bar.asOfMs]);
    for (const fs of [1, 2, 3]) {
      const asOf = flush(fs).as_of;
      expect(await closeAt(asOf)).toEqual([[99 + fs, fs - 1, asOf]]);
      expect(await closeAt(asOf - 1)).toEqual(
        fs === 1 ? [] : [[98 + fs, fs - 2, flush(fs - 1).as_of]],
      );
    }
  });

  it("come by symbol in byte order and start, across days, in pages that join without a seam", async () => {
    const whole = await readBars(test.sql, everything);
    expect(keys(whole)).toEqual(["AAPL 0", "AAPL 1", "BRK.A 0", "BRKA 0", "SPY 1440", "SPY 2880"]);
    for (const limit of [1, 2, 5, 6]) {
      const pages: StoredBar[] = [];
      for (;;) {
        const after = pages.at(-1);
        const page = await readBars(test.sql, { ...everything, limit, ...(after && { after }) });
        pages.push(...page);
        if (page.length < limit) break;
      }
      expect(pages).toEqual(whole);
    }
  });

  it("carry every value as it was sent", async () => {
    expect((await readBars(test.sql, { ...everything, symbols: ["BRK.A"] }))[0]).toEqual({
      symbol: "BRK.A",
      ts: OPEN_MS,
      open: 100.25,
      high: 101.1,
      low: 99.9,
      close: 100.5,
      volume: 1234.5,
      vwap: 100.4321,
      tradeCount: 321,
      asOfMs: flush(1).as_of,
      askedAtMs: OPEN_MS + 62_000,
      provider: "alpaca",
      feed: "sip",
      session: "regular",
      status: "first",
      revision: 0,
    });
  });

  it("stay readable after a row is deleted by hand, while the row counts as missing", async () => {
    const ts = minute(1);
    await test.database.query("delete from candles_intraday where symbol = 'AAPL' and ts = $1", [
      new Date(ts).toISOString(),
    ]);
    expect(keys(await readBars(test.sql, { ...everything, symbols: ["AAPL"] }))).toEqual([
      "AAPL 0",
      "AAPL 1",
    ]);
    expect(
      await test.database.query(
        "select count(*)::int as n from candles_intraday where symbol = 'AAPL'",
      ),
    ).toEqual([{ n: 1 }]);
  });

  it("refuse questions without a bound", async () => {
    await expect(readBars(test.sql, { ...everything, limit: 10_001 })).rejects.toThrow(RangeError);
    await expect(
      readBars(test.sql, { ...everything, symbols: Array.from({ length: 20_001 }, () => "A") }),
    ).rejects.toThrow(RangeError);
    expect(await readBars(test.sql, { ...everything, symbols: [] })).toEqual([]);
  });
});

describe("an update by hand", () => {
  it("keeps the old row and is known only after everything promised as repeatable", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", first_seen, last_seen)
      values ('SPY', 5, 'S&P 500 trust', 'ARCX', 'ETF', 'T0', 7, '2026-03-20', '2026-03-20')`,
    );
    const before = await readBars(test.sql, { ...everything, symbols: ["SPY"] });
    for (const close of [100.1, 100.2]) {
      await test.database.query(
        "update candles_intraday set close = $1 where symbol = 'SPY' and ts = $2",
        [close, new Date(minute(1_440)).toISOString()],
      );
    }
    const promised = { ...everything, symbols: ["SPY"], asOfMs: flush(3).as_of };
    expect(await readBars(test.sql, promised)).toEqual(before);
    const now = await readBars(test.sql, { ...everything, symbols: ["SPY"] });
    expect(now.map((bar) => [bar.close, bar.revision, bar.asOfMs - flush(3).as_of])).toEqual([
      [100.2, 2, 2],
      [100.5, 0, flush(1).as_of - flush(3).as_of],
    ]);
    expect(
      await test.database.query(
        "select close from candles_revisions where symbol = 'SPY' order by as_of",
      ),
    ).toEqual([{ close: 100.5 }, { close: 100.1 }]);
  });
});

describe("the universe", () => {
  it("gives a group's active members by sid, and never a sid twice", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
      values ('NA', 3, 'Nano Labs', 'XNAS', 'CS', 'T2', 7, true, '2026-03-20', '2026-03-20'),
        ('GONE', 4, 'Gone', 'XNAS', 'CS', 'T1', 7, false, '2026-03-20', '2026-03-20')`,
    );
    expect(await loadGroupMembers(test.sql, 7)).toEqual([
      { symbol: "NA", sid: 3, tier: "T2", reusedOn: null },
      { symbol: "SPY", sid: 5, tier: "T0", reusedOn: null },
    ]);
    await expect(
      test.database.query("update symbol_universe set sid = 6 where symbol = 'NA'"),
    ).rejects.toThrow("permanent");
    await expect(
      test.database.query("delete from symbol_universe where symbol = 'GONE'"),
    ).rejects.toThrow("append-only");
  });

  it("has a cursor for every active symbol, held back by its oldest hole", async () => {
    await drainFlushes(test.sql, [
      flush(4, { gaps: [gap("open", 2, 3, "NA")], watermark: minute(9) }),
    ]);
    expect(
      await test.database.query(
        "select symbol, interval, watermark, known::text from ingestion_cursor_now order by 1, 2 desc",
      ),
    ).toEqual([
      { symbol: "NA", interval: "1m", watermark: new Date(minute(2)), known: "{}" },
      { symbol: "NA", interval: "1d", watermark: null, known: "{}" },
      { symbol: "SPY", interval: "1m", watermark: new Date(minute(9)), known: "{}" },
      { symbol: "SPY", interval: "1d", watermark: null, known: "{}" },
    ]);
  });
});
