import { z } from "zod";
import type { Tier } from "../domain/tier.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

/** More symbols than the whole US market has are not a trading date. */
const MAX_FILE_SYMBOLS = 40_000;
/**
 * Symbols of one read. A session of them is 39,000 lines, 5 MB of text: 80 reads for 8,000 symbols (an invocation may
 * make 10,000), and a Worker (128 MB) holds the answer of one of them as bytes, as JSON and as text.
 */
export const FILE_PAGE_SYMBOLS = 100;

/** The columns of a day file, in their order: those of the data routes. */
export const DAY_FILE_COLUMNS = [
  "symbol",
  "ts",
  "open",
  "high",
  "low",
  "close",
  "volume",
  "vwap",
  "trade_count",
  "provider",
  "feed",
  "session",
  "status",
  "revision",
  "as_of",
] as const;

/** Minutes `[startMs, endMs)` of one UTC day as they were known at `asOfMs`, of one tier or (null) of all. */
export interface DayFileQuery {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly asOfMs: EpochMs;
  readonly tier: Tier | null;
}

/**
 * A look into the day for each symbol: as an `exists`, or without its order, the planner reads the whole day. A symbol has the tier
 * that it was known to have at `as_of`, or the same file would differ tomorrow.
 */
const SYMBOLS_SQL = `
select u.symbol from symbol_universe u
cross join lateral (
  (select 1 from candles_intraday c where c.symbol = u.symbol and c.interval = '1m'
      and c.ts >= $1::timestamptz and c.ts < $2::timestamptz order by c.ts limit 1)
  union all
  (select 1 from candles_revisions r where r.symbol = u.symbol and r.interval = '1m'
      and r.ts >= $1::timestamptz and r.ts < $2::timestamptz order by r.ts limit 1)
  limit 1
) has
where $3::text is null or $3::text = (
  select v.tier from universe_versions v where v.symbol = u.symbol and v.as_of <= $4::timestamptz
  order by v.version desc limit 1
)
order by u.symbol limit $5::integer`;

const symbolRow = z.object({ symbol: z.string() });

/**
 * The symbols that have bars in a day's minutes, by symbol in byte order. Throws a RangeError when they are more
 * than a market has.
 */
export async function readDaySymbols(sql: SqlClient, query: DayFileQuery): Promise<string[]> {
  const { startMs, endMs, asOfMs, tier } = query;
  const { rows } = await sql.query({
    text: SYMBOLS_SQL,
    params: [toIso(startMs), toIso(endMs), tier, toIso(asOfMs), MAX_FILE_SYMBOLS + 1],
  });
  if (rows.length > MAX_FILE_SYMBOLS) throw new RangeError("the day has too many symbols");
  return rows.map((row) => symbolRow.parse(row).symbol);
}

const iso = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * The lines are made by the database: three million rows parsed and written again by a Worker would take a minute
 * of its processor. No value needs quotes: symbols and the words beside them are letters, digits and dots.
 * Numbers are the shortest text that reads back as the same double.
 */
const LINES_SQL = `
select coalesce(string_agg(lines.text, '' order by asked.symbol), '') as text
from (select s collate "C" as symbol from unnest($1::text[]) s) asked
cross join lateral (
  select string_agg(
    concat_ws(',', b.symbol, ${iso("b.ts")}, b.open, b.high, b.low, b.close, b.volume,
      coalesce(b.vwap::text, ''), coalesce(b.trade_count::text, ''), b.provider, b.feed, b.session, b.status,
      b.revision, ${iso("b.as_of")}) || E'\\r\\n',
    '' order by b.ts) as text
  from (
    select distinct on (ts) * from (
      select c.symbol, c.ts, c.open, c.high, c.low, c.close, c.volume, c.vwap, c.trade_count, c.as_of, c.provider,
        c.feed, c.session, c.status, c.revision
      from candles_intraday c where c.symbol = asked.symbol and c.interval = '1m'
        and c.ts >= $2::timestamptz and c.ts < $3::timestamptz and c.as_of <= $4::timestamptz
      union all
      select r.symbol, r.ts, r.open, r.high, r.low, r.close, r.volume, r.vwap, r.trade_count, r.as_of, r.provider,
        r.feed, r.session, r.status, r.revision
      from candles_revisions r where r.symbol = asked.symbol and r.interval = '1m'
        and r.ts >= $2::timestamptz and r.ts < $3::timestamptz and r.as_of <= $4::timestamptz
    ) belief
    order by ts, as_of desc
  ) b
) lines`;

const linesRow = z.object({ text: z.string() });

/**
 * The lines of a day file for some symbols, by symbol and start, without the header; empty when nothing was known.
 * Throws a RangeError for more than `FILE_PAGE_SYMBOLS`.
 */
export async function readDayLines(
  sql: SqlClient,
  symbols: readonly string[],
  query: DayFileQuery,
): Promise<string> {
  if (symbols.length > FILE_PAGE_SYMBOLS) throw new RangeError("too many symbols");
  const { startMs, endMs, asOfMs } = query;
  const { rows } = await sql.query({
    text: LINES_SQL,
    params: [symbols, toIso(startMs), toIso(endMs), toIso(asOfMs)],
  });
  return linesRow.parse(rows[0]).text;
}
