import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDatabase, type Database } from "../../../dev/database/database.ts";
import type { Flush } from "../../../src/contracts/flush.ts";
import { type BarsQuery, readBars, readRollups } from "../../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../../src/postgres/flush-store.ts";
import { readQuotes } from "../../../src/postgres/quotes-store.ts";
import { createSqlClient, type SqlClient } from "../../../src/postgres/sql-client.ts";
import { flush, gap, OPEN_MS, row } from "../../support/flushes.ts";
import { quoteRow } from "../../support/quotes.ts";
import { startTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
const SYMBOLS = ["AAPL", "BRK.B", "MSFT"];

let timescale: TestDatabase;
let plain: Database;
let plainSql: SqlClient;
beforeAll(async () => {
  timescale = await startTestDatabase();
  plain = await startDatabase({ dataDir: null, profile: "plain" });
  plainSql = createSqlClient({
    databaseUrl: plain.connectionString,
    sqlEndpoint: plain.sqlUrl,
    fetchTimeoutMs: 30_000,
  });
});
afterAll(async () => {
  await timescale.stop();
  await plain.stop();
});

const change = fc.record({
  symbol: fc.constantFrom(...SYMBOLS),
  // Some minutes only, so that most are revised.
  minute: fc.oneof(fc.nat(12), fc.constantFrom(1_440, 1_441, 4_000)),
  close: fc.double({ min: 100, max: 200, noNaN: true }),
  volume: fc.double({ min: 0, max: 1e5, noNaN: true }),
});
const sequence = fc.array(fc.array(change, { minLength: 1, maxLength: 20 }), {
  minLength: 2,
  maxLength: 12,
});

/** Flushes with revisions as a group gives them out. */
function toFlushes(
  changes: readonly (readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[])[],
): Flush[] {
  const revisions = new Map<string, number>();
  return changes.map((rows, index) => {
    const own = new Map(rows.map((each) => [`${each.symbol} ${each.minute}`, each]));
    return flush(index + 1, {
      rows: [...own].map(([key, { symbol, minute, close, volume }]) => {
        const revision = revisions.get(key) ?? 0;
        revisions.set(key, revision + 1);
        return row({ symbol, ts: OPEN_MS + minute * MINUTE_MS, close, volume, revision });
      }),
      gaps: [gap(index % 2 === 0 ? "open" : "filled", 20, 21)],
      watermark: OPEN_MS + index * MINUTE_MS,
    });
  });
}

/** Every row of the tables that a drain writes, and every read of bars and quotes. */
async function answers(
  database: Pick<Database, "query">,
  sql: SqlClient,
  asOfs: readonly number[],
) {
  const tables = [
    "candles_intraday",
    "candles_revisions",
    "quotes_l1",
    "ingestion_cursor",
    "group_cursor",
    "candles_5m",
    "candles_1h",
  ];
  const found: unknown[] = [];
  for (const table of tables) {
    found.push(await database.query(`select to_jsonb(t) as row from ${table} t order by t::text`));
  }
  const range = { startMs: OPEN_MS - (OPEN_MS % 3_600_000), endMs: OPEN_MS + 5 * DAY_MS };
  for (const asOfMs of asOfs) {
    const query = { ...range, symbols: SYMBOLS, asOfMs, limit: 500 } satisfies Omit<
      BarsQuery,
      "interval"
    >;
    found.push(await readBars(sql, { ...query, interval: "1m", sort: "desc" }));
    found.push(await readRollups(sql, { ...query, interval: "5m" }));
    found.push(await readRollups(sql, { ...query, interval: "1h" }));
  }
  found.push(await readQuotes(sql, { ...range, symbol: "AAPL", asOfMs: range.endMs, limit: 100 }));
  return found;
}

it("the same drains give the same rows and the same answers in both profiles", async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async (changes) => {
      const flushes = toFlushes(changes);
      const quotes = flush(1, {
        class: "quotes",
        quotes: [quoteRow(), quoteRow({ ts: OPEN_MS + DAY_MS })],
      });
      for (const [database, sql] of [
        [plain, plainSql],
        [timescale.database, timescale.sql],
      ] as const) {
        await database.query(
          "truncate candles_intraday, candles_revisions_1m, quotes_l1, group_cursor, ingestion_cursor, gap_events",
        );
        await drainFlushes(sql, flushes);
        await drainFlushes(sql, [quotes]);
      }
      const asOfs = [...flushes.map((each) => each.as_of), OPEN_MS + 9 * DAY_MS];
      const expected = await answers(plain, plainSql, asOfs);
      expect(expected.flat().length).toBeGreaterThan(10);
      expect(await answers(timescale.database, timescale.sql, asOfs)).toEqual(expected);
    }),
    { numRuns: 4 },
  );
});
