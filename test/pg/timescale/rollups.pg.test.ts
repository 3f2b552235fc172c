import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlushRow } from "../../../src/contracts/flush.ts";
import { drainFlushes } from "../../../src/postgres/flush-store.ts";
import { flush, OPEN_MS } from "../../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const MINUTE_MS = 60_000;
const at = (minute: number) => OPEN_MS + minute * MINUTE_MS;
const VIEWS = ["candles_5m", "candles_1h"];
/** Minutes over two days, so that buckets lie on both sides of every refresh. */
const MINUTES = 2_000;

let test: TestDatabase;
let fs = 0;
beforeAll(async () => {
  test = await startTestDatabase();
  // The views of the plain profile over the same bars.
  const views = await readFile("migrations/0013_rollups.sql", "utf8");
  await test.database.query("create schema plain");
  await test.database.query(views.replace("create view %I", "create view plain.%I"));
});
afterAll(async () => {
  await test.stop();
});

const price = fc.double({ min: 1, max: 500, noNaN: true });
/** A bar of any minute, session, volume (often none) and of any completeness. */
const randomRow = fc
  .record({
    symbol: fc.constantFrom("AAPL", "BRK.B", "MSFT"),
    minute: fc.integer({ min: 0, max: MINUTES }),
    prices: fc.array(price, { minLength: 4, maxLength: 4 }),
    volume: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
    count: fc.option(fc.nat(1_000)),
    vwap: fc.option(price),
    session: fc.constantFrom("pre", "regular", "post"),
  })
  .map(({ symbol, minute, prices, volume, count, vwap, session }): FlushRow => {
    const [open = 1, close = 1] = prices;
    const ts = at(minute);
    const [high, low] = [Math.max(...prices), Math.min(...prices)];
    const values = [symbol, ts, open, high, low, close, volume, count, vwap] as const;
    return [...values, 0, "alpaca", "sip", "first", session, ts + 62_000];
  });
const randomRows = fc.uniqueArray(randomRow, {
  minLength: 100,
  maxLength: 400,
  selector: (row) => `${row[0]} ${row[1]}`,
});

/** The same values of another symbol and minute. */
function moved([, , ...values]: FlushRow, symbol: string, ts: number): FlushRow {
  return [symbol, ts, ...values];
}

async function drain(rows: FlushRow[]): Promise<void> {
  fs += 1;
  await drainFlushes(test.sql, [flush(fs, { rows })]);
}

/** Rows of either side that the other lacks. */
async function differences(): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const view of VIEWS) {
    const missing = `(table plain.${view} except all table ${view})`;
    const extra = `(table ${view} except all table plain.${view})`;
    found.push(...(await test.database.query(`${missing} union all ${extra}`)));
  }
  return found;
}

/** As the service's cron calls it, through `/sql`. */
async function refresh(beforeMs: number): Promise<void> {
  await test.sql.query({
    text: "call refresh_rollups($1::timestamptz)",
    params: [new Date(beforeMs).toISOString()],
  });
}

/** Buckets that are stored, not worked out on read. */
async function storedBuckets(): Promise<number> {
  const [{ sql } = {}] = await test.database.query(
    `select format('select count(*)::int as n from %I.%I', materialization_hypertable_schema, materialization_hypertable_name) as sql
    from timescaledb_information.continuous_aggregates where view_name = 'rollup_5m'`,
  );
  return Number((await test.database.query(String(sql)))[0]?.["n"]);
}

describe("stored rollups", () => {
  it("are refreshed while there is nothing yet", async () => {
    await refresh(at(60));
    expect(await storedBuckets()).toBe(0);
  });

  it("equal the plain views row by row, whatever comes, late or again, once they are refreshed", async () => {
    await fc.assert(
      fc.asyncProperty(randomRows, fc.nat(MINUTES), async (rows, until) => {
        await drain(rows);
        await refresh(at(until));
        // What is older than an earlier refresh reached is stored, too, and is brought up to date as well.
        await refresh(at(MINUTES));
        expect(await differences()).toEqual([]);
      }),
      { numRuns: 8 },
    );
    expect(await storedBuckets()).toBeGreaterThan(100);
  });

  it("show what is newer than the last refresh at once, and a correction at the next", async () => {
    const [newest] = fc.sample(randomRow, 1);
    const [late] = fc.sample(randomRow, 1);
    if (newest === undefined || late === undefined) throw new Error("no rows");
    await drain([moved(newest, "NEW", at(MINUTES + 600))]);
    expect(await differences()).toEqual([]);
    await drain([moved(late, "LATE", at(30))]);
    expect(await differences()).toHaveLength(2);
    await refresh(at(MINUTES));
    expect(await differences()).toEqual([]);
    await test.database.query("delete from candles_intraday where symbol = 'LATE'");
    await refresh(at(MINUTES));
    expect(await differences()).toEqual([]);
  });

  it("are refreshed by a policy as well, up to an hour ago", async () => {
    const minute = Math.floor(Date.now() / MINUTE_MS) - 300;
    const [row] = fc.sample(randomRow, 1);
    if (row === undefined) throw new Error("no row");
    await drain([moved(row, "LIVE", minute * MINUTE_MS)]);
    const before = await storedBuckets();
    const [{ job_id: job } = {}] = await test.database.query(
      `select j.job_id from timescaledb_information.jobs j
      join timescaledb_information.continuous_aggregates c
        on j.hypertable_name in (c.view_name, c.materialization_hypertable_name)
      where j.proc_name = 'policy_refresh_continuous_aggregate' and c.view_name = 'rollup_5m'`,
    );
    await test.database.query("call run_job($1)", [job]);
    expect(await storedBuckets()).toBeGreaterThan(before);
    expect(await differences()).toEqual([]);
  });
});
