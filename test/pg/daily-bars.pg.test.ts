import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Flush } from "../../src/contracts/flush.ts";
import type { Bar } from "../../src/domain/bar.ts";
import { DAY_MS, toIso } from "../../src/domain/time.ts";
import { loadActiveSymbols } from "../../src/postgres/active-symbols.ts";
import { readBars } from "../../src/postgres/bars-store.ts";
import { readCursors, raiseAsOf } from "../../src/postgres/cursor-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { type HistoryWrite, storeHistory } from "../../src/postgres/history-store.ts";
import type { SqlClient } from "../../src/postgres/sql-client.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

/** 2026-03-19 and -20 as daily bars are labelled. */
const THURSDAY = Date.UTC(2026, 2, 19);
const FRIDAY = Date.UTC(2026, 2, 20);
const EPOCH = "0k3f9a2xq0aaaaa";
const NOW_MS = OPEN_MS + 12 * 3_600_000;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

const daily = (symbol: string, close: number, revision = 0, ts = FRIDAY) =>
  row({ symbol, ts, close, revision });

/** Symbol, date, close, revision and status of everything that is believed of a symbol, and was. */
async function stored(symbol: string): Promise<{ now: unknown[]; before: unknown[] }> {
  return {
    now: await test.database.query(
      "select trading_date::text as date, close, revision, status from candles_daily where symbol = $1 order by 1",
      [symbol],
    ),
    before: await test.database.query(
      "select interval, close, revision, session, ts from candles_revisions where symbol = $1 order by as_of",
      [symbol],
    ),
  };
}

function bar(symbol: string, ts: number, close: number): Bar {
  return {
    symbol,
    ts,
    open: close,
    high: close,
    low: close,
    close,
    volume: 10.5,
    vwap: null,
    tradeCount: null,
  };
}

function write(bars: readonly Bar[], change: Partial<HistoryWrite> = {}): HistoryWrite {
  return {
    group: 20,
    interval: "1d",
    source: { provider: "polygon", feed: "sip" },
    askedAt: NOW_MS,
    settle: false,
    bars,
    sessionOf: () => "regular",
    nowMs: NOW_MS,
    ...change,
  };
}

describe("the daily bars of a flush", () => {
  it("are drained once, with the watermark of days, and an update keeps the belief before it", async () => {
    const flushes: Flush[] = [
      flush(1, { group: 1, daily: [daily("DLY", 100), daily("DLY", 90, 0, THURSDAY)] }),
      flush(2, { group: 1, daily: [daily("DLY", 101, 1)], watermark_1d: FRIDAY + DAY_MS }),
    ];
    await drainFlushes(test.sql, flushes);
    await drainFlushes(test.sql, flushes).catch(() => undefined);
    expect(await stored("DLY")).toEqual({
      now: [
        { date: "2026-03-19", close: 90, revision: 0, status: "first" },
        { date: "2026-03-20", close: 101, revision: 1, status: "updated" },
      ],
      before: [
        { interval: "1d", close: 100, revision: 0, session: "regular", ts: new Date(FRIDAY) },
      ],
    });
    expect(await readCursors(test.sql, [1])).toMatchObject([
      { fs: 2, watermark1mMs: null, watermark1dMs: FRIDAY + DAY_MS },
    ]);
  });

  it("are kept by the trigger when somebody changes or deletes them by hand", async () => {
    await drainFlushes(test.sql, [flush(1, { group: 2, daily: [daily("HAND", 100)] })]);
    await test.database.query("update candles_daily set close = 100.1 where symbol = 'HAND'");
    expect((await stored("HAND")).now).toMatchObject([{ close: 100.1, revision: 1 }]);
    await test.database.query("delete from candles_daily where symbol = 'HAND'");
    const { now, before } = await stored("HAND");
    expect(now).toEqual([]);
    expect(before).toMatchObject([{ close: 100 }, { close: 100.1 }]);
  });

  it("that are older than what the history lane stored go to the revisions", async () => {
    await storeHistory(test.sql, write([bar("LATE", FRIDAY, 100)], { group: 3 }));
    await drainFlushes(test.sql, [flush(1, { group: 3, daily: [daily("LATE", 99)] })]);
    const { now, before } = await stored("LATE");
    expect(now).toMatchObject([{ close: 100 }]);
    expect(before).toMatchObject([{ close: 99 }]);
  });
});

describe("daily bars as of a time", () => {
  it("are the newest belief of that time, by date, in pages that join", async () => {
    await drainFlushes(test.sql, [
      flush(1, { group: 4, daily: [daily("ASOF", 90, 0, THURSDAY), daily("ASOF", 100)] }),
      flush(2, { group: 4, daily: [daily("ASOF", 101, 1)] }),
    ]);
    const read = (asOfMs: number, startMs = THURSDAY, limit = 10) =>
      readBars(test.sql, {
        symbols: ["ASOF"],
        interval: "1d",
        startMs,
        endMs: FRIDAY + DAY_MS,
        asOfMs,
        limit,
      });
    const closes = async (...args: Parameters<typeof read>) =>
      (await read(...args)).map(({ ts, close }) => [ts, close]);
    expect(await closes(flush(2).as_of)).toEqual([
      [THURSDAY, 90],
      [FRIDAY, 101],
    ]);
    expect(await closes(flush(1).as_of)).toEqual([
      [THURSDAY, 90],
      [FRIDAY, 100],
    ]);
    expect(await closes(flush(1).as_of - 1)).toEqual([]);
    // A range begins with the first date that begins in it.
    expect(await closes(flush(2).as_of, THURSDAY + 1)).toEqual([[FRIDAY, 101]]);
    const [first] = await read(flush(2).as_of, THURSDAY, 1);
    expect(first).toMatchObject({ ts: THURSDAY, session: "regular" });
  });
});

describe("the history lane", () => {
  it("stores first beliefs as backfilled, changes nothing the second time, and revises by its own source", async () => {
    const bars = [bar("HIST", THURSDAY, 90), bar("HIST", Date.UTC(2024, 0, 2), 50)];
    expect(await storeHistory(test.sql, write(bars))).toMatchObject({ first: 2, updated: 0 });
    expect(await storeHistory(test.sql, write(bars, { askedAt: NOW_MS + 1 }))).toMatchObject({
      first: 0,
      same: 2,
    });
    const changed = [bar("HIST", THURSDAY, 91)];
    expect(
      await storeHistory(test.sql, write(changed, { askedAt: NOW_MS + 2, nowMs: NOW_MS + 5 })),
    ).toMatchObject({ updated: 1 });
    expect(await stored("HIST")).toMatchObject({
      now: [
        { date: "2024-01-02", close: 50, revision: 0, status: "backfilled" },
        { date: "2026-03-19", close: 91, revision: 1, status: "updated" },
      ],
      before: [{ close: 90, revision: 0 }],
    });
  });

  it("takes no values of a source that may not revise, but those of the settled day", async () => {
    await storeHistory(test.sql, write([bar("OWNS", THURSDAY, 90)]));
    const other = { source: { provider: "alpaca" as const, feed: "sip" as const } };
    const values = [bar("OWNS", THURSDAY, 95)];
    expect(await storeHistory(test.sql, write(values, other))).toMatchObject({ disagreed: 1 });
    expect(await storeHistory(test.sql, write(values, { ...other, settle: true }))).toMatchObject({
      updated: 1,
    });
  });

  it("is known only after every knowledge time that was promised to be repeatable", async () => {
    await drainFlushes(test.sql, [flush(1, { group: 21 })]);
    const promised = NOW_MS + 60_000;
    await raiseAsOf(test.sql, { group: 21, class: "bars", epoch: EPOCH, fs: 1, asOfMs: promised });
    await storeHistory(test.sql, write([bar("KNOWN", THURSDAY, 90)], { group: 21 }));
    const [known] = await test.database.query(
      "select as_of from candles_daily where symbol = 'KNOWN'",
    );
    expect(known).toEqual({ as_of: new Date(promised + 1) });
  });

  it("reads a row again that somebody revised between its reading and its writing", async () => {
    await storeHistory(test.sql, write([bar("MOVED", THURSDAY, 90)]));
    let moves = 0;
    const meddling: SqlClient = {
      ...test.sql,
      transaction: async (statements) => {
        if (moves === 0) {
          moves += 1;
          await storeHistory(
            test.sql,
            write([bar("MOVED", THURSDAY, 95)], { askedAt: NOW_MS + 1, nowMs: NOW_MS + 10 }),
          );
        }
        return await test.sql.transaction(statements);
      },
    };
    const verdicts = await storeHistory(
      meddling,
      write([bar("MOVED", THURSDAY, 96), bar("MOVED", THURSDAY - DAY_MS, 80)], {
        askedAt: NOW_MS + 2,
        nowMs: NOW_MS + 20,
      }),
    );
    expect(verdicts).toMatchObject({ updated: 1, first: 1 });
    expect(await stored("MOVED")).toMatchObject({
      now: [{ close: 80 }, { close: 96, revision: 2 }],
      before: [
        { close: 90, revision: 0 },
        { close: 95, revision: 1 },
      ],
    });
  });

  it("leaves a later drain of a group without flushes its first number", async () => {
    await storeHistory(test.sql, write([bar("FIRST", THURSDAY, 90)], { group: 23 }));
    await drainFlushes(test.sql, [flush(1, { group: 23 })]);
    expect(await readCursors(test.sql, [23])).toMatchObject([{ epoch: EPOCH, fs: 1 }]);
  });

  it("stores minutes too, with their session", async () => {
    const sessionOf = (ts: number) => (ts < OPEN_MS ? "pre" : "regular");
    const bars = [bar("MIN", OPEN_MS - 60_000, 90), bar("MIN", OPEN_MS, 91)];
    await storeHistory(test.sql, write(bars, { interval: "1m", sessionOf }));
    await storeHistory(
      test.sql,
      write([bar("MIN", OPEN_MS, 92)], { interval: "1m", sessionOf, askedAt: NOW_MS + 1 }),
    );
    expect(
      await test.database.query(
        "select session, close, revision, status from candles_intraday where symbol = 'MIN' order by ts",
      ),
    ).toEqual([
      { session: "pre", close: 90, revision: 0, status: "backfilled" },
      { session: "regular", close: 92, revision: 1, status: "updated" },
    ]);
    expect((await stored("MIN")).before).toMatchObject([{ interval: "1m", close: 91 }]);
  });
});

describe("the active symbols", () => {
  it("come with their groups, without those that left", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
      select s, n, s, 'XNAS', 'COMMON', 'T2', n, n < 3, $1::date, $1::date
      from unnest(array['NA', 'AAPL', 'GONE']) with ordinality as u (s, n)`,
      [toIso(FRIDAY)],
    );
    expect([...(await loadActiveSymbols(test.sql))]).toEqual([
      ["AAPL", 2],
      ["NA", 1],
    ]);
  });
});
