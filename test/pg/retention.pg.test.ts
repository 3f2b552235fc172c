import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { keepRetention } from "../../src/ingest/retention.ts";
import { readBars } from "../../src/postgres/bars-store.ts";
import { readStoredCoverage } from "../../src/postgres/coverage-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { recordKnown } from "../../src/postgres/known-store.ts";
import { readQuotes } from "../../src/postgres/quotes-store.ts";
import { dropExpired, forgetExpired } from "../../src/postgres/retention-store.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { quoteRow } from "../support/quotes.ts";
import { storedDays } from "../support/stored-days.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const DAYS = 6;
/** So many days after the open of 2026-03-20. */
const day = (days: number) => OPEN_MS + days * DAY_MS;
const keptDays = { bars: 30, quotes: 1 };
/** 03:00 in New York, when dates before 2026-03-22 are not kept any more. */
const nightMs = Date.UTC(2026, 3, 21, 7);
const KEPT_FROM = Date.UTC(2026, 2, 22);

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  const days = Array.from({ length: DAYS }, (_, index) => day(index));
  await drainFlushes(test.sql, [
    flush(1, { rows: days.map((ts) => row({ ts })), as_of: day(DAYS) }),
    flush(2, {
      rows: days.map((ts) => row({ ts, close: 101, revision: 1 })),
      gaps: [gap("open", 1, 3), gap("open", 3 * 1_440, 3 * 1_440 + 5)],
      watermark: day(DAYS),
      as_of: day(DAYS) + 1,
    }),
  ]);
  const quotes = days.map((ts) => quoteRow({ ts }));
  await drainFlushes(test.sql, [flush(1, { class: "quotes", quotes, as_of: day(DAYS) })]);
  const asked = [0, 1, 2].map((at) => ({ symbol: "AAPL", startMs: day(at), endMs: day(at) + 1e6 }));
  await recordKnown(test.sql, asked, day(DAYS));
});
afterAll(async () => {
  await test.stop();
});

/** The days that have a partition or a chunk, of a table. */
async function partitionsOf(parent: string): Promise<string[]> {
  return (await storedDays(test, parent)).map((stored) => stored.day.replaceAll("-", ""));
}

const daysFrom = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `202603${first + index}`);

async function readDays(asOfMs: number): Promise<(readonly [number, number])[]> {
  const bars = await readBars(test.sql, {
    symbols: ["AAPL"],
    interval: "1m",
    startMs: day(0),
    endMs: day(DAYS),
    asOfMs,
    limit: 100,
  });
  return bars.map((bar) => [(bar.ts - OPEN_MS) / DAY_MS, bar.close]);
}

describe("the retention of a night", () => {
  it("drops whole days of bars with their old beliefs, a few a call, and says how many tables", async () => {
    expect(await dropExpired(test.sql, "bars", "2026-03-20")).toBe(0);
    expect(await dropExpired(test.sql, "bars", "2026-03-21")).toBe(2);
    expect(await partitionsOf("candles_intraday")).toEqual(daysFrom(21, 25));
    expect(await partitionsOf("candles_revisions_1m")).toEqual(daysFrom(21, 25));
    expect(await partitionsOf("quotes_l1")).toEqual(daysFrom(20, 25));
    for (const before of ["2100-01-02", "1970-01-01"]) {
      await expect(dropExpired(test.sql, "bars", before)).rejects.toThrow("nothing expires");
    }
  });

  it("leaves what is kept, makes the days to come, and finds nothing to do when it comes again", async () => {
    expect(await keepRetention({ sql: test.sql, nowMs: nightMs, keptDays })).toMatchObject({
      done: true,
      dropped: { bars: 2, quotes: DAYS },
    });
    const ahead = test.profile === "plain" ? ["20260420", "20260421"] : [];
    expect((await partitionsOf("candles_intraday")).slice(0, DAYS)).toEqual([
      ...daysFrom(22, 25),
      ...ahead,
    ]);
    for (const parent of ["candles_intraday", "candles_revisions_1m", "quotes_l1"])
      expect((await partitionsOf(parent)).includes("20260429")).toBe(test.profile === "plain");
    expect(await readDays(day(DAYS))).toEqual([2, 3, 4, 5].map((at) => [at, 100.5]));
    expect(await readDays(day(DAYS) + 1)).toEqual([2, 3, 4, 5].map((at) => [at, 101]));
    const gone = { symbol: "AAPL", startMs: day(0), endMs: day(DAYS), asOfMs: nightMs, limit: 9 };
    expect(await readQuotes(test.sql, gone)).toEqual([]);
    expect(await keepRetention({ sql: test.sql, nowMs: nightMs, keptDays })).toMatchObject({
      done: true,
      dropped: { bars: 0, quotes: 0 },
    });
  });

  it("takes many days in steps, and none of them twice", async () => {
    const first = Date.UTC(2025, 0, 1);
    const rows = Array.from({ length: 10 }, (_, n) => row({ ts: first + n * DAY_MS }));
    await drainFlushes(test.sql, [flush(1, { group: 8, rows })]);
    const steps: number[] = [];
    for (let dropped = -1; dropped !== 0; steps.push(dropped))
      dropped = await dropExpired(test.sql, "bars", "2026-01-01");
    // A day's old beliefs have a chunk only where there are any.
    expect(steps).toEqual(test.profile === "plain" ? [8, 8, 4, 0] : [4, 4, 2, 0]);
  });

  it("forgets gap events, ended jobs and known ranges of what is gone, in steps, and no hole", async () => {
    await test.database.query(
      `insert into backfill_jobs (
        id, "group", symbols, interval, from_ts, to_ts, tier, priority, attempts, status,
        enqueued_at, died_at, updated_at
      ) select id, 7, '{AAPL}', '1m', at, at + interval '1 hour', 'T0', 0, 5, status, at, at, at
      from (values
        ('old', 'discarded', timestamptz '2026-03-01'), ('over', 'done', '2026-03-01'),
        ('undecided', 'dead', '2026-03-01'), ('young', 'discarded', '2026-04-01')
      ) as job (id, status, at)`,
    );
    const counts: number[] = [];
    for (let count = -1; count !== 0; counts.push(count))
      count = await forgetExpired(test.sql, "2026-03-22", 1);
    // Both ended jobs: one a step.
    expect(counts).toEqual([1, 1, 0]);
    expect(await test.database.query("select id from backfill_jobs order by 1")).toEqual([
      { id: "undecided" },
      { id: "young" },
    ]);
    expect(await test.database.query("select from_ts from gap_events")).toEqual([
      { from_ts: new Date(day(3)) },
    ]);
    expect(
      await test.database.query(
        `select known = tstzmultirange(tstzrange($1, $2)) as known,
          holes @> $3::timestamptz as hole from ingestion_cursor`,
        [day(2), day(2) + 1e6, day(0) + MINUTE_MS].map((ms) => new Date(ms).toISOString()),
      ),
    ).toEqual([{ known: true, hole: true }]);
  });

  it("owes nothing of what was dropped, though more days are to be kept since", async () => {
    const coverageOf = async (ts: number) =>
      (
        await readStoredCoverage(test.sql, [
          { symbol: "AAPL", group: 7, knownFromMs: ts, startMs: ts, endMs: ts + 10 * MINUTE_MS },
        ])
      )[0];
    expect(await coverageOf(day(1))).toMatchObject({ expected: 0, noTrade: 0, missing: 0 });
    expect(await coverageOf(KEPT_FROM - 5 * MINUTE_MS)).toMatchObject({ expected: 5, got: 0 });
    expect(await coverageOf(day(3))).toMatchObject({ expected: 10, got: 1, missing: 4 });
    // Asked for again, it is known again.
    const again = { symbol: "AAPL", startMs: day(1), endMs: day(1) + 10 * MINUTE_MS };
    await recordKnown(test.sql, [again], nightMs);
    expect(await coverageOf(day(1))).toMatchObject({ expected: 10, got: 0, noTrade: 10 });
  });
});

// Needs a second session, which the embedded database has not.
if (process.env["DATABASE_URL_TEST"] !== undefined)
  describe("a day that somebody is reading", () => {
    it("is left to a later run, without keeping others waiting behind it", async () => {
      const reader = new pg.Client({ connectionString: test.database.connectionString });
      await reader.connect();
      try {
        await test.database.query("select ensure_day_partitions('2025-02-01', '2025-02-02')");
        await reader.query("begin");
        await reader.query("select count(*) from candles_intraday where ts < '2025-02-02'");
        expect(await dropExpired(test.sql, "bars", "2026-01-01")).toBe(0);
        await reader.query("rollback");
        // A day whose old beliefs are held stays whole; the other goes.
        await reader.query("begin");
        await reader.query("lock table candles_revisions_20250201 in access share mode");
        expect(await dropExpired(test.sql, "bars", "2026-01-01")).toBe(2);
        await reader.query("rollback");
        expect((await partitionsOf("candles_intraday"))[0]).toBe("20250201");
        expect(await dropExpired(test.sql, "bars", "2026-01-01")).toBe(2);
      } finally {
        await reader.end();
      }
    });
  });
