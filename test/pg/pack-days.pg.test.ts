import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { treatClosedDays } from "../../src/ingest/closed-days.ts";
import { readAuditBars } from "../../src/postgres/audit-store.ts";
import { readBars, readRollups } from "../../src/postgres/bars-store.ts";
import { readDiff } from "../../src/postgres/diff-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { daysToPack, dropExpired, packDay } from "../../src/postgres/retention-store.ts";
import { readRevisions } from "../../src/postgres/revisions-store.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const SYMBOLS = ["AAPL", "BRK.A", "BRKA", "SPY"];
const MINUTES = 30;
/** Friday and the Monday after it. */
const [FRIDAY, MONDAY] = ["2026-03-20", "2026-03-23"];
const MONDAY_MS = OPEN_MS + 3 * DAY_MS;
const known = (fs: number) => MONDAY_MS + 2 * DAY_MS + fs * 1_000;
const REVISION_FS = MINUTES + 1;

let test: TestDatabase;
/** Whether the profile leaves anything to pack. */
let packs: boolean;
beforeAll(async () => {
  test = await startTestDatabase();
  packs = test.profile === "plain";
  const minutes = Array.from({ length: MINUTES }, (_, n) => n);
  await drainFlushes(
    test.sql,
    minutes.map((n) =>
      flush(n + 1, {
        rows: [OPEN_MS, MONDAY_MS].flatMap((openMs) =>
          SYMBOLS.map((symbol) => row({ symbol, ts: openMs + n * MINUTE_MS })),
        ),
        as_of: known(n + 1),
      }),
    ),
  );
  const revised = minutes
    .filter((n) => n % 3 === 0)
    .flatMap((n) => SYMBOLS.map((symbol) => revision(symbol, OPEN_MS + n * MINUTE_MS)));
  await drainFlushes(test.sql, [flush(REVISION_FS, { rows: revised, as_of: known(REVISION_FS) })]);
});
afterAll(async () => {
  await test.stop();
});

function revision(symbol: string, ts: number) {
  return row({ symbol, ts, close: 101, revision: 1 });
}

/** All that reads tell of Friday: before and after the revision, by every way of reading. */
async function answers() {
  const page = {
    symbols: SYMBOLS,
    startMs: OPEN_MS,
    endMs: OPEN_MS + DAY_MS,
    limit: 1_000,
  };
  const asOf = [known(REVISION_FS - 1), known(REVISION_FS)];
  const window = { startMs: page.startMs, endMs: page.endMs };
  return {
    bars: await Promise.all(
      asOf.map((asOfMs) => readBars(test.sql, { ...page, interval: "1m", asOfMs })),
    ),
    minute: await readBars(test.sql, {
      ...page,
      endMs: OPEN_MS + MINUTE_MS,
      interval: "1m",
      asOfMs: known(REVISION_FS),
    }),
    rollups: await readRollups(test.sql, { ...page, interval: "5m", asOfMs: known(REVISION_FS) }),
    revisions: await readRevisions(test.sql, { symbol: "SPY", interval: "1m", ts: OPEN_MS }),
    diff: await readDiff(test.sql, {
      symbols: SYMBOLS,
      interval: "1m",
      afterMs: known(5),
      untilMs: known(REVISION_FS),
      startMs: null,
      endMs: null,
      limit: 1_000,
      withBefore: true,
    }),
    audit: (await readAuditBars(test.sql, SYMBOLS, window)).toSorted(
      (a, b) => a.ts - b.ts || (a.symbol < b.symbol ? -1 : 1),
    ),
  };
}

/** Everything that stands on the two tables of a day, and the order of their rows. */
async function tablesOf(day: string) {
  const names = ["candles_intraday_", "candles_revisions_"].map(
    (prefix) => prefix + day.replaceAll("-", ""),
  );
  const about = await test.database.query(
    `select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound, c.reloptions, c.relacl::text as acl,
      (select json_agg(pg_get_indexdef(i.indexrelid) || n.inhparent::regclass order by i.indexrelid::regclass::text)
        from pg_index i join pg_inherits n on n.inhrelid = i.indexrelid where i.indrelid = c.oid) as indexes,
      (select json_agg(k.conname || k.coninhcount || k.conislocal || pg_get_constraintdef(k.oid) order by k.conname)
        from pg_constraint k where k.conrelid = c.oid) as constraints,
      (select json_agg(pg_get_triggerdef(t.oid) order by t.tgname) from pg_trigger t where t.tgrelid = c.oid) as triggers
    from pg_class c where c.relname = any($1::text[]) order by 1`,
    [names],
  );
  const order = await test.database.query(`select symbol, ts from ${names[0]} order by ctid`);
  return { about, order: order.map(({ symbol }) => symbol) };
}

const bySymbol = SYMBOLS.flatMap((symbol) => Array.from({ length: MINUTES }, () => symbol));

describe("a day that is over", () => {
  it("is listed with those before it that are not stored by symbol", async () => {
    expect(await daysToPack(test.sql, "2026-03-19", 9)).toEqual([]);
    expect(await daysToPack(test.sql, "2026-03-22", 9)).toEqual(packs ? [FRIDAY] : []);
    expect(await daysToPack(test.sql, MONDAY, 9)).toEqual(packs ? [FRIDAY, MONDAY] : []);
    expect(await daysToPack(test.sql, MONDAY, 1)).toEqual(packs ? [FRIDAY] : []);
  });

  it("is left as it was when its packing is undone, or has nothing to pack", async () => {
    const before = packs ? await tablesOf(FRIDAY) : null;
    await expect(
      test.sql.transaction([
        { text: "select pack_day($1::date)", params: [FRIDAY] },
        { text: "select 1 / $1::integer", params: [0] },
      ]),
    ).rejects.toThrow("division by zero");
    expect(packs ? await tablesOf(FRIDAY) : null).toEqual(before);
    for (const day of ["2026-03-21", "1999-01-01"])
      expect(await packDay(test.sql, day)).toBe(false);
  });

  it("is packed once, with the same answers, and everything on its tables stays", async () => {
    const before = await answers();
    expect(before.bars.map((bars) => bars.length)).toEqual([120, 120]);
    if (packs) {
      await test.database.query(
        `alter table candles_intraday_20260320 set (autovacuum_vacuum_scale_factor = 0.5)`,
      );
      await test.database.query(`grant select on candles_intraday_20260320 to public`);
    }
    const tables = packs ? await tablesOf(FRIDAY) : null;
    expect(await packDay(test.sql, FRIDAY)).toBe(packs);
    expect(await packDay(test.sql, FRIDAY)).toBe(false);
    expect(await answers()).toEqual(before);
    if (tables === null) return;
    expect(tables.order).not.toEqual(bySymbol);
    expect(await tablesOf(FRIDAY)).toEqual({ about: tables.about, order: bySymbol });
    expect(await daysToPack(test.sql, MONDAY, 9)).toEqual([MONDAY]);
  });

  it("takes what comes late, by the service and by hand, and its history can't be skipped", async () => {
    const late = { symbol: "SPY", ts: OPEN_MS + MINUTE_MS };
    await drainFlushes(test.sql, [
      flush(REVISION_FS + 1, {
        rows: [revision("SPY", late.ts), row({ symbol: "NEW", ts: late.ts })],
        as_of: known(REVISION_FS + 1),
      }),
    ]);
    await test.database.query(
      "update candles_intraday set close = 100 where symbol = 'NEW' and ts < '2026-03-21'",
    );
    await test.database.query(
      "delete from candles_intraday where symbol = 'NEW' and ts < '2026-03-21'",
    );
    const beliefs = async (symbol: string) =>
      (await readRevisions(test.sql, { symbol, interval: "1m", ts: late.ts })).map(
        ({ close, current }) => [close, current],
      );
    expect(await beliefs("SPY")).toEqual([
      [100.5, false],
      [101, true],
    ]);
    expect(await beliefs("NEW")).toEqual([
      [100.5, false],
      [100, false],
    ]);
    expect(
      await test.database.query("select from ingestion_cursor where symbol = 'NEW'"),
    ).toHaveLength(1);
    expect(
      await test.database.query("select ensure_day_partitions($1, $1) as made", [FRIDAY]),
    ).toEqual([{ made: 0 }]);
  });

  it("is packed again when much of it came later", async () => {
    if (!packs) return;
    await test.database.query(
      `insert into candles_intraday select 'A' || n, interval, ts, open, high, low, close, volume, vwap, trade_count,
        as_of, asked_at, provider, feed, session, status, revision
      from candles_intraday cross join generate_series(1, 2) n where symbol = 'SPY' and ts < '2026-03-21'`,
    );
    await test.database.query("analyze candles_intraday_20260320");
    expect(await daysToPack(test.sql, FRIDAY, 9)).toEqual([FRIDAY]);
    expect(await packDay(test.sql, FRIDAY)).toBe(true);
    expect(await packDay(test.sql, FRIDAY)).toBe(false);
  });
});

describe("the nightly work on closed days", () => {
  const treat = async (nowMs: number) =>
    await treatClosedDays({
      sql: test.sql,
      calendar: createCalendar(),
      nowMs,
      wall: { kind: "wall", now: () => 0 },
    });

  it("takes a day from the night on after its audit", async () => {
    // 03:00 in New York; Monday's audit is on Tuesday at 07:30.
    const nothing = { packed: [], hoursKept: [] };
    expect(await treat(Date.UTC(2026, 2, 24, 7))).toEqual(
      packs ? { ...nothing, hoursKept: [FRIDAY] } : nothing,
    );
    expect(await treat(Date.UTC(2026, 2, 25, 7))).toEqual(
      packs ? { packed: [MONDAY], hoursKept: [MONDAY] } : nothing,
    );
    expect(await treat(Date.UTC(2026, 2, 26, 7))).toEqual(nothing);
  });

  it("leaves days that retention drops as it drops all others", async () => {
    expect(await dropExpired(test.sql, "bars", "2026-03-21")).toBe(2);
    expect((await answers()).bars).toEqual([[], []]);
    expect(await test.database.query("select from candles_intraday")).toHaveLength(
      SYMBOLS.length * MINUTES,
    );
  });
});

// Needs a second session, which the embedded database has not.
if (process.env["DATABASE_URL_TEST"] !== undefined)
  describe("a day that somebody holds", () => {
    let group = 7;

    it.each([
      ["by a read", "begin", "select count(*) from candles_intraday"],
      ["by a write", "begin", "update candles_intraday set vwap = vwap where symbol = 'SPY'"],
      [
        "in a snapshot",
        "begin isolation level repeatable read",
        "select count(*) from candles_daily",
      ],
    ])("%s is left as it was, and packed when it is free", async (_, begin, hold) => {
      const other = new pg.Client({ connectionString: test.database.connectionString });
      await other.connect();
      try {
        await other.query("truncate candles_intraday");
        group += 1;
        await drainFlushes(test.sql, [flush(1, { group, rows: scattered() })]);
        // Else the order of the rows before counts.
        await other.query("analyze candles_intraday_20260323");
        const before = await tablesOf(MONDAY);
        await other.query(begin);
        await other.query(hold);
        expect(await packDay(test.sql, MONDAY)).toBe(false);
        await other.query("rollback");
        expect(await tablesOf(MONDAY)).toEqual(before);
        expect(await packDay(test.sql, MONDAY)).toBe(true);
      } finally {
        await other.end();
      }
    });
  });

function scattered() {
  return Array.from({ length: 12 }, (_, n) =>
    row({ symbol: SYMBOLS[n % 4] ?? "SPY", ts: MONDAY_MS + n * MINUTE_MS }),
  );
}
