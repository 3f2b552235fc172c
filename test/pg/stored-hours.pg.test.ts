import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { Flush } from "../../src/contracts/flush.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { readRollups, type RollupsQuery } from "../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { daysToStoreHours, storeHours } from "../../src/postgres/hours-store.ts";
import { forgetExpired, packDay } from "../../src/postgres/retention-store.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const [AAPL, SPY] = ["AAPL", "SPY"];
/** Friday and the Monday after it. */
const [FRIDAY, MONDAY] = ["2026-03-20", "2026-03-23"];
const MONDAY_MS = OPEN_MS + 3 * DAY_MS;
const FRIDAY_BARS = "candles_intraday_20260320";
const KNOWN_MS = MONDAY_MS + DAY_MS;
const query: RollupsQuery = {
  symbols: [AAPL, SPY],
  interval: "1h",
  startMs: OPEN_MS - (OPEN_MS % HOUR_MS),
  endMs: MONDAY_MS + DAY_MS,
  asOfMs: KNOWN_MS + HOUR_MS,
  limit: 100,
};

const keeps = inject("storageProfile") === "plain";
let test: TestDatabase;
let group = 0;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
/** Both days of both symbols, an hour and a half each; Friday's hours are kept. */
beforeEach(async () => {
  for (const table of ["candles_intraday", "candles_revisions_1m"])
    await test.database.query(`truncate ${table}`);
  group += 1;
  const minutes = Array.from({ length: 90 }, (_, n) => n * MINUTE_MS);
  const rows = [OPEN_MS, MONDAY_MS].flatMap((openMs) =>
    minutes.flatMap((offset) => [AAPL, SPY].map((symbol) => row({ symbol, ts: openMs + offset }))),
  );
  await drainFlushes(test.sql, [flush(1, { group, rows, as_of: KNOWN_MS })]);
  if (keeps) await storeHours(test.sql, FRIDAY);
});

const drainLater = async (rows: Flush["rows"]) => {
  await drainFlushes(test.sql, [flush(2, { group, rows, as_of: KNOWN_MS + 1_000 })]);
};
const closes = async (change: Partial<RollupsQuery> = {}) =>
  (await readRollups(test.sql, { ...query, ...change })).map(({ symbol, ts, close, bars }) => [
    symbol,
    (ts - query.startMs) / HOUR_MS,
    close,
    bars,
  ]);
/** The answer, and the one without anything that is kept. */
async function both(change: Partial<RollupsQuery> = {}) {
  const answer = await readRollups(test.sql, { ...query, ...change });
  await test.database.query("update stored_hours set hours = null, as_of = default");
  return [answer, await readRollups(test.sql, { ...query, ...change })];
}
/** Makes what is kept recognisable: a read that answers it has 1,000 more. */
const mark = async () =>
  await test.database.query(
    `update stored_hours kept set hours = array(
      select row(h.ts, h.session, h.open, h.high, h.low, h.close + 1000, h.volume, h.vwap, h.trade_count, h.as_of,
        h.revision, h.bars, h.sources, h.has_backfilled, h.first_ts, h.last_ts)::stored_hour
      from unnest(kept.hours) h
    ) where hours is not null`,
  );
const markedHours = async (change: Partial<RollupsQuery> = {}) =>
  (await closes(change)).flatMap(([symbol, hour, close]) =>
    Number(close) > 1_000 ? [`${symbol} ${hour}`] : [],
  );

const EVERY_HOUR = ["AAPL 0", "AAPL 1", "SPY 0", "SPY 1"];

function keptHours() {
  it("are what is answered, and are what would be worked out", async () => {
    const [kept, workedOut] = await both();
    expect(kept).toHaveLength(8);
    expect(kept).toEqual(workedOut);
    await storeHours(test.sql, FRIDAY);
    await mark();
    expect(await markedHours()).toEqual(EVERY_HOUR);
    expect(await markedHours({ sort: "desc" })).toEqual(["AAPL 1", "AAPL 0", "SPY 1", "SPY 0"]);
  });

  it("do not stand for a time at which something of the day was not known, nor for one feed", async () => {
    await drainLater([row({ symbol: SPY, ts: OPEN_MS, close: 101, revision: 1 })]);
    await storeHours(test.sql, FRIDAY);
    await mark();
    expect(await markedHours({ asOfMs: KNOWN_MS + 999 })).toEqual(["AAPL 0", "AAPL 1"]);
    expect(await markedHours({ asOfMs: KNOWN_MS + 1_000 })).toEqual(EVERY_HOUR);
    expect(await markedHours({ feed: "sip" })).toEqual([]);
  });

  it("stand for whole hours only: of the others the rest is worked out", async () => {
    await mark();
    const within = [{ startMs: OPEN_MS, endMs: OPEN_MS + 50 * MINUTE_MS }];
    expect(await markedHours({ within })).toEqual(["AAPL 0", "SPY 0"]);
    expect(await closes({ within, symbols: [SPY] })).toEqual([
      ["SPY", 0, 1_100.5, 30],
      ["SPY", 1, 100.5, 20],
    ]);
    const fromNext = { startMs: query.startMs + HOUR_MS, within: undefined };
    expect(await markedHours(fromNext)).toEqual(["AAPL 1", "SPY 1"]);
  });

  it.each([
    [
      "a drain that revises",
      async () => await drainLater([row({ symbol: SPY, ts: OPEN_MS, close: 101, revision: 1 })]),
    ],
    [
      "a drain of a late bar",
      async () => await drainLater([row({ symbol: SPY, ts: OPEN_MS + 100 * MINUTE_MS })]),
    ],
    ["an update by hand", `update candles_intraday set volume = 7 where symbol = 'SPY'`],
    ["an update of a day's table", `update ${FRIDAY_BARS} set volume = 7 where symbol = 'SPY'`],
    [
      "a delete by hand",
      `delete from candles_intraday where symbol = 'SPY' and ts < '2026-03-20T14:00Z'`,
    ],
    [
      "a move to another symbol",
      `update ${FRIDAY_BARS} set symbol = 'SPYX' where symbol = 'SPY' and ts < '2026-03-20T14:00Z'`,
    ],
    [
      "an old belief by hand",
      `insert into candles_revisions select symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
        as_of - interval '1 hour', asked_at, provider, feed, session, status, revision
      from candles_intraday where symbol = 'SPY' and ts < '2026-03-21' limit 1`,
    ],
  ])("stand until %s, and are kept again at night", async (_, change) => {
    if (typeof change === "string") await test.database.query(change);
    else await change();
    await mark();
    const later = { asOfMs: KNOWN_MS + DAY_MS };
    expect(await markedHours(later)).toEqual(["AAPL 0", "AAPL 1"]);
    const answer = await readRollups(test.sql, { ...query, ...later });
    expect(await daysToStoreHours(test.sql, FRIDAY, 9)).toEqual([FRIDAY]);
    await test.database.query("update stored_hours set hours = null where symbol = 'AAPL'");
    await storeHours(test.sql, FRIDAY);
    expect(await daysToStoreHours(test.sql, FRIDAY, 9)).toEqual([]);
    const [kept, workedOut] = await both(later);
    expect(kept).toEqual(workedOut);
    expect(kept?.filter(({ symbol }) => symbol === SPY)).toEqual(
      answer.filter(({ symbol }) => symbol === SPY),
    );
  });

  it("stand and fall with what is packed, too", async () => {
    expect(await packDay(test.sql, FRIDAY)).toBe(true);
    await mark();
    expect(await markedHours()).toEqual(EVERY_HOUR);
    await drainLater([row({ symbol: SPY, ts: OPEN_MS, close: 101, revision: 1 })]);
    expect(await markedHours({ asOfMs: KNOWN_MS + DAY_MS })).toEqual(["AAPL 0", "AAPL 1"]);
  });

  it.each([
    ["is emptied", `truncate ${FRIDAY_BARS}`],
    ["is emptied with all others", "truncate candles_intraday"],
    [
      "is made anew",
      `drop table ${FRIDAY_BARS}; drop table candles_revisions_20260320;
      select ensure_day_partitions('${FRIDAY}', '${FRIDAY}')`,
    ],
  ])("do not outlive a day's table that %s", async (_, change) => {
    for (const statement of change.split(";")) await test.database.query(statement);
    expect(await closes({ endMs: OPEN_MS + DAY_MS })).toEqual([]);
    await drainLater([row({ symbol: SPY, ts: OPEN_MS })]);
    expect(await closes({ endMs: OPEN_MS + DAY_MS, asOfMs: KNOWN_MS + DAY_MS })).toEqual([
      ["SPY", 0, 100.5, 1],
    ]);
    expect(await daysToStoreHours(test.sql, FRIDAY, 9)).toEqual([FRIDAY]);
    await storeHours(test.sql, FRIDAY);
    const [kept, workedOut] = await both({ asOfMs: KNOWN_MS + DAY_MS });
    expect(kept).toEqual(workedOut);
  });

  it("are no longer to be made of a symbol that has no bars of the day any more", async () => {
    await test.database.query(`update ${FRIDAY_BARS} set symbol = 'SPYX' where symbol = 'SPY'`);
    await test.database.query("delete from candles_revisions_1m");
    await storeHours(test.sql, FRIDAY);
    expect(await daysToStoreHours(test.sql, FRIDAY, 9)).toEqual([]);
    const rows = await test.database.query("select symbol from stored_hours order by 1");
    expect(rows).toEqual([{ symbol: "AAPL" }, { symbol: "SPYX" }]);
  });

  it("are made in steps of more symbols than a day may be held up for", async () => {
    await test.database.query(
      `insert into candles_intraday select 'N' || n, interval, ts, open, high, low, close, volume, vwap, trade_count,
        as_of, asked_at, provider, feed, session, status, revision
      from candles_intraday cross join generate_series(1, 1001) n
      where symbol = 'SPY' and ts = '2026-03-20T13:30Z'`,
    );
    await storeHours(test.sql, FRIDAY);
    expect(
      await test.database.query(
        "select count(*)::integer as made from stored_hours where hours is not null",
      ),
    ).toEqual([{ made: 1_003 }]);
  });

  it("are listed by day until they are kept, and forgotten with their bars", async () => {
    expect(await daysToStoreHours(test.sql, "2026-03-19", 9)).toEqual([]);
    expect(await daysToStoreHours(test.sql, MONDAY, 9)).toEqual([MONDAY]);
    await storeHours(test.sql, MONDAY);
    expect(await daysToStoreHours(test.sql, MONDAY, 9)).toEqual([]);
    expect(await forgetExpired(test.sql, "2026-03-21", 1)).toBeGreaterThanOrEqual(1);
    expect(await forgetExpired(test.sql, "2026-03-21", 9)).toBeGreaterThanOrEqual(1);
    expect(
      await test.database.query("select symbol, day::text from stored_hours order by 1"),
    ).toEqual([
      { symbol: AAPL, day: MONDAY },
      { symbol: SPY, day: MONDAY },
    ]);
  });

  it("are not kept of a day without bars, and a refused keeping changes nothing", async () => {
    await expect(storeHours(test.sql, "1999-01-01")).rejects.toThrow("does not exist");
    await expect(storeHours(test.sql, "2026-02-30")).rejects.toThrow();
    await mark();
    expect(await markedHours()).toEqual(EVERY_HOUR);
  });
}

// Where another profile stores the days, none are kept.
if (keeps) describe("hours that are kept", keptHours);
else
  it("keeps no hours in a profile that stores days in its own way", async () => {
    expect(await daysToStoreHours(test.sql, MONDAY, 9)).toEqual([]);
    expect(await markedHours()).toEqual([]);
    expect(await closes({ symbols: [SPY] })).toHaveLength(4);
  });

// Needs a second session, which the embedded database has not.
if (keeps && process.env["DATABASE_URL_TEST"] !== undefined)
  describe("a day that is written to", () => {
    it("loses its hours to who changes a bar in an older snapshot, or he is refused", async () => {
      await drainLater([row({ symbol: SPY, ts: OPEN_MS, close: 101, revision: 1 })]);
      const other = new pg.Client({ connectionString: test.database.connectionString });
      await other.connect();
      try {
        await other.query("begin isolation level repeatable read");
        await other.query("select from candles_intraday limit 1");
        await storeHours(test.sql, FRIDAY);
        await expect(
          other.query("update candles_intraday set volume = 7 where symbol = 'SPY'"),
        ).rejects.toThrow("could not serialize access");
      } finally {
        await other.end();
      }
    });

    it("is left to another night, and what was written is in its hours then", async () => {
      const other = new pg.Client({ connectionString: test.database.connectionString });
      await other.connect();
      try {
        await other.query("begin");
        await other.query("update candles_intraday set close = 101 where symbol = 'SPY'");
        await expect(storeHours(test.sql, FRIDAY)).rejects.toThrow("lock timeout");
        await other.query("commit");
      } finally {
        await other.end();
      }
      await storeHours(test.sql, FRIDAY);
      const [kept, workedOut] = await both({ asOfMs: KNOWN_MS + DAY_MS });
      expect(kept?.at(-1)).toMatchObject({ symbol: SPY, close: 101 });
      expect(kept).toEqual(workedOut);
    });
  });
