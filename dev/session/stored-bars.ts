import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import type { Database } from "../database/database.ts";

const rowSchema = z.object({
  symbol: z.string(),
  ts: z.coerce.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: z.coerce.number().nullable(),
  provider: z.enum(["alpaca", "polygon"]),
  feed: z.enum(["sip"]),
  revision: z.number(),
  as_of: z.coerce.number(),
});
/** A stored 1-minute bar: as it is believed now, or a belief that was replaced. */
export type StoredBar = z.infer<typeof rowSchema>;

const COLUMNS = `symbol, (extract(epoch from ts) * 1000)::bigint::text as ts, open, high, low, close, volume, vwap,
  trade_count::text, provider, feed, revision, (extract(epoch from as_of) * 1000)::bigint::text as as_of`;

/** All stored 1-minute bars of a table. */
export async function readBars(
  database: Database,
  table: "candles_intraday" | "candles_revisions",
): Promise<StoredBar[]> {
  const rows = await database.query(`select ${COLUMNS} from ${table} where interval = '1m'`);
  return rows.map((row) => rowSchema.parse(row));
}

/** Symbols that are owed minutes; of the others none is stored. */
export async function readServed(database: Database): Promise<Set<string>> {
  const rows = await database.query(
    "select symbol from symbol_universe where active and tier <> 'T2'",
  );
  return new Set(rows.map((row) => z.object({ symbol: z.string() }).parse(row).symbol));
}

/** How many quotes are stored. */
export async function countQuotes(database: Database): Promise<number> {
  const [row] = await database.query("select count(*)::integer as count from quotes_l1");
  return z.object({ count: z.number() }).parse(row).count;
}

/** Up to where each symbol is complete: a minute below it without a bar is no_trade. */
export async function readWatermarks(database: Database): Promise<Map<string, EpochMs>> {
  const rows = await database.query(
    `select symbol, (extract(epoch from watermark) * 1000)::bigint::text as watermark
     from ingestion_cursor_now where interval = '1m' and watermark is not null`,
  );
  const schema = z.object({ symbol: z.string(), watermark: z.coerce.number() });
  return new Map(rows.map((row) => schema.parse(row)).map((row) => [row.symbol, row.watermark]));
}
