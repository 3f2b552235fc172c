import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dueDate, dueMinutes } from "../../src/domain/slo.ts";
import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { ALL_PLACES, MAX_NAMED_SYMBOLS, readSlo } from "../../src/postgres/slo-store.ts";
import { storeDailyBars } from "../support/daily-volumes.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { CALENDAR } from "../support/naive-group.ts";
import { storedDays } from "../support/stored-days.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const at = (index: number) => OPEN_MS + index * MINUTE_MS;
/** Ten minutes of the session are due. */
const DUE = { minutes: dueMinutes(CALENDAR, at(10), 0), day: "2026-03-18" };
const GROUP = 7;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  await test.database.query(
    "truncate symbol_universe, universe_refreshes, group_cursor, ingestion_cursor, gap_events cascade",
  );
  await test.database.query("truncate candles_daily, candles_intraday");
});

interface Listed {
  readonly tier?: "T0" | "T1" | "T2";
  readonly group?: number;
  readonly firstSeen?: string;
}

/** Lists active symbols, in the order of their sids. */
async function list(symbols: Readonly<Record<string, Listed>>): Promise<void> {
  const all = Object.entries(symbols);
  await test.database.query(
    `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", first_seen, last_seen)
      select s.symbol, s.sid, s.symbol, 'XNAS', 'COMMON', s.tier, s."group", s.first_seen, date '2026-03-20'
      from unnest($1::text[], $2::integer[], $3::text[], $4::smallint[], $5::date[])
        as s (symbol, sid, tier, "group", first_seen)`,
    [
      all.map(([symbol]) => symbol),
      all.map((_, index) => index),
      all.map(([, { tier }]) => tier ?? "T0"),
      all.map(([, { group }]) => group ?? GROUP),
      all.map(([, { firstSeen }]) => firstSeen ?? "2025-01-02"),
    ],
  );
}

/** Drains one flush that leaves the group's watermark at a minute of the session. */
async function drainTo(watermark: number, change: Parameters<typeof flush>[1] = {}) {
  await drainFlushes(test.sql, [flush(1, { watermark: at(watermark), ...change })]);
}

/** Symbols looked at and violating ones of a level, with the oldest lacking minute of each by index. */
async function level(tier = "T0", interval = "1m", places = ALL_PLACES) {
  const readings = await readSlo(test.sql, DUE, places);
  const reading = readings.find((one) => one.tier === tier && one.interval === interval);
  if (reading === undefined) return null;
  const { symbols, violating, named } = reading;
  const oldest = named.map(
    ({ symbol, oldestMs }) => [symbol, (oldestMs - OPEN_MS) / MINUTE_MS] as const,
  );
  return { symbols, violating, named: Object.fromEntries<number>(oldest) };
}

describe("the minutes that a tier lacks", () => {
  it("are none when the watermark has come to the end of what is due", async () => {
    await list({ AAA: {}, BBB: { tier: "T1" }, CCC: { tier: "T2" } });
    await drainTo(10);
    expect(await level("T0")).toEqual({ symbols: 1, violating: 0, named: {} });
    expect(await level("T1")).toEqual({ symbols: 1, violating: 0, named: {} });
  });

  it("begin at a watermark that is behind, or at the open when nothing was ever stored", async () => {
    await list({ AAA: {}, NEW: { group: 8 } });
    await drainTo(6);
    expect(await level()).toEqual({ symbols: 2, violating: 2, named: { AAA: 6, NEW: 0 } });
  });

  it("are those of a hole that touches what is due, and of no other hole", async () => {
    await list({ OLD: {}, LATER: {}, IN: {}, EDGE: {} });
    await drainTo(12, {
      gaps: [
        gap("open", -5, 0, "OLD"),
        gap("open", 10, 12, "LATER"),
        gap("open", 3, 5, "IN"),
        gap("open", 9, 12, "EDGE"),
      ],
    });
    expect(await level()).toEqual({ symbols: 4, violating: 2, named: { IN: 3, EDGE: 9 } });
  });

  it("leave out what is unfillable, and a minute of a hole whose bar has come", async () => {
    await list({ GONE: {}, CAME: {} });
    await drainTo(10, {
      rows: [row({ symbol: "CAME", ts: at(3) })],
      gaps: [gap("unfillable", 2, 4, "GONE"), gap("open", 3, 5, "CAME")],
    });
    expect(await level()).toEqual({ symbols: 2, violating: 1, named: { CAME: 4 } });
  });

  it("are found at once when somebody deletes a bar, in whichever partition and of regular minutes alone", async () => {
    await list({ HAND: {}, PART: {}, KEPT: {} });
    const rows = ["HAND", "PART", "KEPT"].map((symbol) => row({ symbol, ts: at(4) }));
    await drainTo(10, { rows, gaps: [gap("unfillable", 4, 5, "HAND")] });
    expect(await level()).toMatchObject({ violating: 0 });
    await test.database.query("delete from candles_intraday where symbol = 'HAND'");
    const [part] = await storedDays(test, "candles_intraday");
    await test.database.query(`delete from ${part?.name} where symbol = 'PART'`);
    await test.database.query("update candles_intraday set session = 'post' where symbol = 'KEPT'");
    await test.database.query("delete from candles_intraday where symbol = 'KEPT'");
    expect(await level()).toEqual({ symbols: 3, violating: 2, named: { HAND: 4, PART: 4 } });
    const cursors = await test.database.query(
      `select c.symbol, c.unfillable::text, c.as_of > g.as_of as later
        from ingestion_cursor c cross join group_cursor g order by 1`,
    );
    expect(cursors).toEqual([
      { symbol: "HAND", unfillable: "{}", later: true },
      { symbol: "PART", unfillable: "{}", later: true },
    ]);
  });

  it("stay missing when the group drains on, and are there again once the bar is", async () => {
    await list({ HAND: {} });
    await drainTo(10, { rows: [row({ symbol: "HAND", ts: at(4) })] });
    await test.database.query("delete from candles_intraday where symbol = 'HAND'");
    const later = flush(2, { watermark: at(10), gaps: [gap("open", 7, 8, "HAND")] });
    await drainFlushes(test.sql, [later]);
    expect(await level()).toMatchObject({ named: { HAND: 4 } });
    const back = [row({ symbol: "HAND", ts: at(4) }), row({ symbol: "HAND", ts: at(7) })];
    await drainFlushes(test.sql, [flush(3, { watermark: at(10), rows: back })]);
    expect(await level()).toMatchObject({ violating: 0 });
  });

  it("go by a symbol's own watermark where it has one", async () => {
    await list({ OWN: {}, AHEAD: {}, COMMON: {} });
    await drainTo(8);
    await test.database.query(
      `insert into ingestion_cursor (symbol, interval, watermark, as_of)
        values ('OWN', '1m', $1, now()), ('AHEAD', '1m', $2, now()), ('COMMON', '1d', $1, now())`,
      [toIso(at(5)), toIso(at(10))],
    );
    expect(await level()).toMatchObject({ violating: 2, named: { OWN: 5, COMMON: 8 } });
  });
});

describe("a symbol that joins", () => {
  /** The universe gets this symbol, at a time given in minutes of the session. */
  async function join(
    symbol: string,
    index: number,
    kinds = "added",
    tierBefore: string | null = null,
  ) {
    await test.database.query(
      `with v as (
          insert into universe_refreshes (version, as_of, trading_date)
          select coalesce(max(version), 0) + 1, $2::timestamptz, date '2026-03-20' from universe_refreshes
          returning version, as_of
        )
        insert into universe_versions (version, symbol, as_of, kinds, sid, name, exchange, type, tier, active,
          first_seen, tier_before)
        select v.version, $1, v.as_of, array[$3::text], u.sid, u.name, u.exchange, u.type, u.tier, true,
          u.first_seen, $4
        from v join symbol_universe u on u.symbol = $1`,
      [symbol, toIso(at(index) - 1), kinds, tierBefore],
    );
  }

  it("is owed no minutes before, so that none of them is lacking", async () => {
    await list({ OLD: {}, NEW: {}, MOVED: {}, NAMED: {} });
    await join("OLD", -100);
    await join("NEW", 4);
    await join("MOVED", 5, "tier", "T2");
    await join("NAMED", 6, "name");
    expect(await level()).toEqual({
      symbols: 4,
      violating: 4,
      named: { OLD: 0, NAMED: 0, NEW: 4, MOVED: 5 },
    });
  });

  it("is not counted while nothing is due of it, unless a hole says that it is owed more", async () => {
    await list({ NEW: {}, HOLE: {} });
    await join("NEW", 10);
    await join("HOLE", 11);
    expect(await level()).toBeNull();
    await drainTo(9, { gaps: [gap("open", 2, 3, "HOLE")] });
    expect(await level()).toEqual({ symbols: 1, violating: 1, named: { HOLE: 2 } });
  });
});

describe("how far a tier is complete", () => {
  it("is the newest minute that 99 % of it have, a hole at the watermark counted as lacking", async () => {
    const many = Array.from({ length: 201 }, (_, index) => `S${index}`);
    await list(Object.fromEntries(many.map((symbol) => [symbol, {}])));
    const until = async () => {
      const readings = await readSlo(test.sql, DUE, ALL_PLACES);
      const ms = readings.find(({ tier }) => tier === "T0")?.completeBeforeMs ?? Number.NaN;
      return (ms - OPEN_MS) / MINUTE_MS;
    };
    expect(await until()).toBe(0);
    const behind = many.slice(0, 2);
    const old = many.slice(2).map((symbol) => gap("open", 1, 3, symbol));
    await drainTo(9, { gaps: [...behind.map((symbol) => gap("open", 4, 9, symbol)), ...old] });
    expect(await until()).toBe(9);
    await drainFlushes(test.sql, [flush(2, { watermark: at(9), gaps: [gap("open", 5, 9, "S2")] })]);
    expect(await until()).toBe(5);
  });
});

describe("the daily bars that a tier lacks", () => {
  const DATES = [
    "2026-03-10",
    "2026-03-11",
    "2026-03-12",
    "2026-03-13",
    "2026-03-16",
    "2026-03-17",
  ];
  /** Stores one bar a date. */
  const bars = (symbol: string, dates: readonly string[]) =>
    storeDailyBars(test.database, dates, new Map([[symbol, 100]]));

  it("are those of symbols that trade each day and have none for the date, in every tier", async () => {
    await list({ HAS: {}, LACKS: { tier: "T1" }, RARE: { tier: "T2" }, ALSO: { tier: "T2" } });
    await bars("HAS", [...DATES, DUE.day]);
    await bars("LACKS", DATES);
    await bars("RARE", ["2026-03-02", "2026-03-05", "2026-03-10", "2026-03-12", "2026-03-17"]);
    await bars("ALSO", DATES);
    const day = (Date.UTC(2026, 2, 18) - OPEN_MS) / MINUTE_MS;
    expect(await level("T0", "1d")).toEqual({ symbols: 1, violating: 0, named: {} });
    expect(await level("T1", "1d")).toEqual({ symbols: 1, violating: 1, named: { LACKS: day } });
    expect(await level("T2", "1d")).toEqual({ symbols: 2, violating: 1, named: { ALSO: day } });
    expect(await level("T2", "1m")).toBeNull();
    await test.database.query(
      "delete from candles_daily where symbol = 'HAS' and trading_date = $1::date",
      [DUE.day],
    );
    expect(await level("T0", "1d")).toMatchObject({ violating: 1 });
  });

  it("are owed neither by a symbol that is newer than the date nor by one that no provider has", async () => {
    await list({ NEW: { firstSeen: "2026-03-19" }, NONE: {} });
    await bars("NEW", DATES);
    expect(await level("T0", "1d")).toBeNull();
  });
});

describe("a sample", () => {
  it("is of the places asked for, by sid within the tier, and says how many there are", async () => {
    const names = ["A", "B", "C", "D"];
    await list(
      Object.fromEntries(
        names.flatMap((s) => [
          [`${s}0`, {}],
          [`${s}1`, { tier: "T1" }],
        ]),
      ),
    );
    const places = [
      { tier: "T0", from: 1, to: 3 },
      { tier: "T1", from: 3, to: 4 },
      { tier: "T1", from: 0, to: 1 },
    ] as const;
    expect(await level("T0", "1m", places)).toMatchObject({ named: { B0: 0, C0: 0 } });
    expect(await level("T1", "1m", places)).toMatchObject({ named: { D1: 0, A1: 0 } });
    const readings = await readSlo(test.sql, DUE, places);
    expect(readings.map(({ listed, symbols }) => [listed, symbols])).toEqual([
      [4, 2],
      [4, 2],
    ]);
  });

  it("names the oldest of many violating symbols and counts them all", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `S${index}`);
    await list(Object.fromEntries(many.map((symbol) => [symbol, {}])));
    const gaps = many.map((symbol, index) => gap("open", index < 90 ? 5 : 2, 6, symbol));
    await drainTo(10, { gaps });
    const [reading] = await readSlo(test.sql, DUE, ALL_PLACES);
    expect(reading).toMatchObject({ symbols: 100, violating: 100 });
    expect(reading?.named).toHaveLength(MAX_NAMED_SYMBOLS);
    expect(reading?.named.slice(0, 10).every(({ oldestMs }) => oldestMs === at(2))).toBe(true);
  });
});

describe("a whole market", () => {
  it("of 8,000 symbols is read in one statement an interval", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", first_seen, last_seen)
        select 'S' || n, n, 'S' || n, 'XNAS', 'COMMON',
          case when n < 500 then 'T0' when n < 3000 then 'T1' else 'T2' end, n % 32, date '2025-01-02',
          date '2026-03-20'
        from generate_series(0, 7999) n`,
    );
    const all = Array.from({ length: 8_000 }, (_, n) => `S${n}`);
    const dates = ["2026-03-11", "2026-03-12", "2026-03-13", "2026-03-16", "2026-03-17"];
    await storeDailyBars(test.database, dates, new Map(all.map((symbol) => [symbol, 100])));
    const most = all.filter((_, n) => n % 100 !== 0);
    await storeDailyBars(test.database, [DUE.day], new Map(most.map((symbol) => [symbol, 100])));
    for (let group = 0; group < 32; group += 1) {
      const gaps = Array.from({ length: 16 }, (_, i) => gap("open", 2, 4, `S${group + 32 * i}`));
      await drainFlushes(test.sql, [flush(1, { group, watermark: at(10), gaps })]);
    }
    await test.database.query("analyze");
    const startedMs = performance.now();
    const readings = await readSlo(test.sql, DUE, ALL_PLACES);
    const took = performance.now() - startedMs;
    if (process.env["SHOW_TIMES"] === "1") console.log(`8,000 symbols: ${took.toFixed(1)} ms`);
    const counts = readings.map(({ tier, interval, symbols, violating }) =>
      [tier, interval, symbols, violating].join(" "),
    );
    expect(counts.toSorted()).toEqual([
      "T0 1d 500 5",
      "T0 1m 500 500",
      "T1 1d 2500 25",
      "T1 1m 2500 12",
      "T2 1d 5000 50",
    ]);
  });
});

describe("what is due", () => {
  it("is of the session that the tests play in", () => {
    expect(DUE.minutes).toEqual({ date: "2026-03-20", startMs: OPEN_MS, endMs: at(10) });
    // 20:15 in New York on 2026-03-20.
    expect(dueDate(CALENDAR, Date.UTC(2026, 2, 21, 0, 15))).toBe(DUE.day);
  });
});
