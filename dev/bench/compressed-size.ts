import { z } from "zod";
import type { Flush, FlushRow } from "../../src/contracts/flush.ts";
import { type EpochMs, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { createSqlClient } from "../../src/postgres/sql-client.ts";
import { startDatabase } from "../database/database.ts";
import type { Market } from "../market/market.ts";
import { flushOfRows } from "./market-flushes.ts";

/** Minutes of one drain. */
const DRAIN_MINUTES = 30;
const FETCH_TIMEOUT_MS = 60_000;

const sizeSchema = z.tuple([
  z.object({ bars: z.coerce.number(), before: z.coerce.number(), after: z.coerce.number() }),
]);

/**
 * What a session of the market takes in the profile `timescale`, bytes a bar with keys and indexes: as it was
 * drained, and as the policy compresses it. In the embedded build of TimescaleDB.
 */
export async function compressedSize(
  market: Market,
  { openMs, closeMs }: { readonly openMs: EpochMs; readonly closeMs: EpochMs },
): Promise<{ readonly before: number; readonly after: number }> {
  const database = await startDatabase({ dataDir: null, profile: "timescale" });
  try {
    const sql = createSqlClient({
      databaseUrl: database.connectionString,
      sqlEndpoint: database.sqlUrl,
      fetchTimeoutMs: FETCH_TIMEOUT_MS,
    });
    let fs = 0;
    for (let fromMs = openMs; fromMs < closeMs; fromMs += DRAIN_MINUTES * MINUTE_MS) {
      fs += 1;
      await drainFlushes(sql, [flushOfMarket(market, fs, fromMs)]);
    }
    await database.query(
      `select compress_chunk(format('%I.%I', chunk_schema, chunk_name)::regclass)
      from timescaledb_information.chunks where hypertable_name = 'candles_intraday'`,
    );
    const [{ bars, before, after }] = sizeSchema.parse(
      await database.query(
        `select (select count(*) from candles_intraday) as bars,
          sum(before_compression_total_bytes) as before, sum(after_compression_total_bytes) as after
        from chunk_compression_stats('candles_intraday') where compression_status = 'Compressed'`,
      ),
    );
    return { before: before / bars, after: after / bars };
  } finally {
    await database.stop();
  }
}

function flushOfMarket(market: Market, fs: number, fromMs: EpochMs): Flush {
  const endMs = fromMs + DRAIN_MINUTES * MINUTE_MS;
  const rows: FlushRow[] = [];
  for (let ts = fromMs; ts < endMs; ts += MINUTE_MS) {
    for (const { symbol } of market.symbols) {
      const bar = market.bar(symbol, ts);
      if (bar === undefined) continue;
      const { o, h, l, c, v, n = null, vw = null } = bar;
      const origin = ["alpaca", "sip", "first", "regular"] as const;
      const [provider, feed, status, session] = origin;
      const askedAt = ts + MINUTE_MS + 3 * SECOND_MS;
      rows.push([symbol, ts, o, h, l, c, v, n, vw, 0, provider, feed, status, session, askedAt]);
    }
  }
  return flushOfRows(rows, { group: 0, fs, endMs });
}
