import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readBars } from "../../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../../src/postgres/flush-store.ts";
import { storeHistory } from "../../../src/postgres/history-store.ts";
import { flush, OPEN_MS, row } from "../../support/flushes.ts";
import { quoteRow } from "../../support/quotes.ts";
import { startTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
const at = (minute: number) => OPEN_MS + minute * MINUTE_MS;
const GROUP = 7;

let test: TestDatabase;
let fs = 0;
beforeAll(async () => {
  test = await startTestDatabase();
  const rows = ["AAPL", "MSFT"].flatMap((symbol) =>
    [0, 1, 2, 3].map((minute) => row({ symbol, ts: at(minute), close: 100 + minute / 10 })),
  );
  await drain(rows);
  await drain([row({ ts: at(3), close: 100.4, revision: 1 })]);
  await drainFlushes(test.sql, [flush(1, { class: "quotes", quotes: [quoteRow()] })]);
});
// A write makes part of a day row-wise again: every test begins with all of it compressed.
beforeEach(async () => {
  await test.database.query(
    `select compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass, if_not_compressed => true)
    from timescaledb_information.chunks
    where hypertable_name = any('{candles_intraday,candles_revisions_1m,quotes_l1}')`,
  );
});
afterAll(async () => {
  await test.stop();
});

async function drain(rows: ReturnType<typeof row>[]): Promise<number> {
  fs += 1;
  const next = flush(fs, { rows });
  await drainFlushes(test.sql, [next]);
  return next.as_of;
}

async function read(symbol: string, asOfMs = at(0) + 30 * DAY_MS) {
  const bars = await readBars(test.sql, {
    symbols: [symbol],
    interval: "1m",
    startMs: at(0),
    endMs: at(10),
    asOfMs,
    limit: 100,
  });
  return bars.map(({ ts, close, revision }) => [(ts - OPEN_MS) / MINUTE_MS, close, revision]);
}

describe("days older than two weeks", () => {
  it("are compressed by a policy, by symbol in the order of time", async () => {
    expect(
      await test.database.query(
        `select hypertable_name as name, config->>'compress_after' as after from timescaledb_information.jobs
        where proc_name in ('policy_compression', 'policy_columnstore') order by 1`,
      ),
    ).toEqual(
      ["candles_intraday", "candles_revisions_1m", "quotes_l1"].map((name) => ({
        name,
        after: "14 days",
      })),
    );
  });

  it("become small when the policy runs, and young ones stay as they are", async () => {
    const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    await drain([20, 2].map((days) => row({ symbol: "AGED", ts: now - days * DAY_MS })));
    const [{ job_id: job } = {}] = await test.database.query(
      `select job_id from timescaledb_information.jobs
      where proc_name in ('policy_compression', 'policy_columnstore') and hypertable_name = 'candles_intraday'`,
    );
    await test.database.query("call run_job($1)", [job]);
    expect(
      await test.database.query(
        `select c.is_compressed from candles_intraday b join timescaledb_information.chunks c
          on format('%I.%I', chunk_schema, chunk_name)::regclass = b.tableoid
        where b.symbol = 'AGED' order by b.ts`,
      ),
    ).toEqual([{ is_compressed: true }, { is_compressed: false }]);
  });

  it("read as before", async () => {
    expect(await read("AAPL")).toEqual([
      [0, 100, 0],
      [1, 100.1, 0],
      [2, 100.2, 0],
      [3, 100.4, 1],
    ]);
    expect((await read("AAPL", flush(1).as_of)).at(-1)).toEqual([3, 100.3, 0]);
  });

  it("take late bars and corrections of a flush, and keep the belief before", async () => {
    const before = await read("MSFT");
    const asOf = await drain([
      row({ symbol: "MSFT", ts: at(1), close: 107, revision: 1 }),
      row({ symbol: "MSFT", ts: at(4), close: 104 }),
    ]);
    expect(await read("MSFT")).toEqual([
      [0, 100, 0],
      [1, 107, 1],
      [2, 100.2, 0],
      [3, 100.3, 0],
      [4, 104, 0],
    ]);
    expect(await read("MSFT", asOf - 1)).toEqual(before);
  });

  it("take the history lane's bars, each over the revision before its own alone", async () => {
    const close = 103;
    const verdicts = await storeHistory(test.sql, {
      group: GROUP,
      interval: "1m",
      source: { provider: "alpaca", feed: "sip" },
      settle: false,
      askedAt: at(600),
      nowMs: at(600),
      sessionOf: () => "regular",
      bars: [2, 5].map((minute) => ({
        symbol: "MSFT",
        ts: at(minute),
        open: close,
        high: close,
        low: close,
        close,
        volume: 10,
        vwap: null,
        tradeCount: null,
      })),
    });
    expect(verdicts).toMatchObject({ first: 1, updated: 1 });
    const bars = await read("MSFT");
    expect(bars.filter(([minute]) => minute === 2 || minute === 5)).toEqual([
      [2, close, 1],
      [5, close, 0],
    ]);
    const stale = await test.database.query(
      `insert into candles_intraday as c select * from candles_intraday where symbol = 'MSFT' and ts = $1
      on conflict (symbol, interval, ts) do update set close = 102.9, revision = excluded.revision
      where c.revision = excluded.revision - 1 returning symbol`,
      [new Date(at(2))],
    );
    expect(stale).toEqual([]);
  });

  it("keep what somebody changes by hand, and miss what somebody deletes", async () => {
    const before = await read("AAPL", flush(1).as_of);
    const where = "where symbol = 'AAPL' and ts = $1";
    await test.database.query(`update candles_intraday set close = 100.9 ${where}`, [
      new Date(at(0)),
    ]);
    await test.database.query(`delete from candles_intraday ${where}`, [new Date(at(1))]);
    expect(await read("AAPL", flush(1).as_of)).toEqual(before);
    expect(
      await test.database.query(
        "select close, revision from candles_intraday where symbol = 'AAPL' order by ts limit 2",
      ),
    ).toEqual([
      { close: 100.9, revision: 1 },
      { close: 100.2, revision: 0 },
    ]);
    expect(
      await test.database.query(
        "select lower(holes) as from_ts from ingestion_cursor where symbol = 'AAPL'",
      ),
    ).toEqual([{ from_ts: new Date(at(1)) }]);
  });

  it("take a late quote", async () => {
    await drainFlushes(test.sql, [
      flush(2, { class: "quotes", quotes: [quoteRow({ ts: OPEN_MS + 500 })] }),
    ]);
    expect(await test.database.query("select count(*)::int as n from quotes_l1")).toEqual([
      { n: 2 },
    ]);
  });
});
