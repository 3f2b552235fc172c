import type { Interval } from "../domain/interval.ts";
import { DAY_MS, toIso, type EpochMs } from "../domain/time.ts";
import { MAX_READ_SYMBOLS } from "./bars-store.ts";
import { BELIEF_COLUMNS } from "./belief-sql.ts";
import { blockSql } from "./row-block.ts";
import type { SqlClient } from "./sql-client.ts";
import { STORED_BAR_BLOCK, type StoredBar, storedBars } from "./stored-bar.ts";

/**
 * Most symbols have a bar this young, and a week is a handful of partitions. The symbols without one are asked
 * for again without a bound, where each costs a look into every partition.
 */
const NEAR_MS = 7 * DAY_MS;
/** Symbols without a bound in one statement: 5 ms each when they have no bar at all, over a year of days. */
const FAR_SYMBOLS = 250;

/** The youngest row of a symbol that is believed now, by interval. */
const CURRENT: Readonly<Record<Interval, string>> = {
  "1m": `select c.symbol, c.ts, ${BELIEF_COLUMNS}, c.session, c.status, c.revision from candles_intraday c
      where c.symbol = asked.symbol and c.interval = '1m'
        and c.ts >= $2::timestamptz and c.ts < $3::timestamptz and c.as_of <= $4::timestamptz
      order by c.ts desc limit 1`,
  "1d": `select c.symbol, c.trading_date::timestamp at time zone 'UTC' as ts, ${BELIEF_COLUMNS},
        'regular' as session, c.status, c.revision from candles_daily c
      where c.symbol = asked.symbol
        and c.trading_date >= ($2::timestamptz at time zone 'UTC')::date
        and c.trading_date < ($3::timestamptz at time zone 'UTC' + interval '1 day - 1 microsecond')::date
        and c.as_of <= $4::timestamptz
      order by c.trading_date desc limit 1`,
};

/**
 * The last bar that was known at `as_of` is the youngest of those still believed and those replaced since; where
 * both sides have it, the later belief is the one of that time.
 */
const latestSql = (interval: Interval) =>
  blockSql(
    STORED_BAR_BLOCK,
    `
select bar.* from (select s collate "C" as symbol from unnest($1::text[]) s order by 1) asked
cross join lateral (
  select * from (
    (${CURRENT[interval]})
    union all
    (select r.symbol, r.ts, ${BELIEF_COLUMNS}, r.session, r.status, r.revision from candles_revisions r
      where r.symbol = asked.symbol and r.interval = '${interval}'
        and r.ts >= $2::timestamptz and r.ts < $3::timestamptz and r.as_of <= $4::timestamptz
      order by r.ts desc, r.as_of desc limit 1)
  ) belief
  order by ts desc, as_of desc limit 1
) bar`,
  );
const LATEST_SQL: Readonly<Record<Interval, string>> = {
  "1m": latestSql("1m"),
  "1d": latestSql("1d"),
};

/** Of which symbols the last bar is read, as it was known at `asOfMs`. */
export interface LatestQuery {
  readonly symbols: readonly string[];
  readonly interval: Interval;
  readonly asOfMs: EpochMs;
}

/**
 * The last bar of each symbol as it was known at a time, of whatever part of the trading day, by symbol; a symbol
 * without any has no row. Throws a RangeError for too many symbols.
 */
export async function readLatestBars(sql: SqlClient, query: LatestQuery): Promise<StoredBar[]> {
  const { interval, asOfMs } = query;
  if (query.symbols.length > MAX_READ_SYMBOLS) throw new RangeError("too many symbols");
  const read = async (symbols: readonly string[], fromMs: EpochMs, toMs: EpochMs) => {
    if (symbols.length === 0) return [];
    const params = [symbols, toIso(fromMs), toIso(toMs), toIso(asOfMs)];
    const { rows } = await sql.query({ text: LATEST_SQL[interval], params });
    return storedBars(rows);
  };
  const symbols = [...new Set(query.symbols)];
  // Days as dates: the bound lies on midnight, so that no daily bar stands on both sides of it.
  const nearMs = Math.max(0, Math.floor((asOfMs - NEAR_MS) / DAY_MS) * DAY_MS);
  const near = await read(symbols, nearMs, asOfMs + 1);
  const found = new Set(near.map(({ symbol }) => symbol));
  const rest = symbols.filter((symbol) => !found.has(symbol));
  const far: StoredBar[] = [];
  for (let at = 0; at < rest.length; at += FAR_SYMBOLS)
    far.push(...(await read(rest.slice(at, at + FAR_SYMBOLS), 0, nearMs)));
  return [...near, ...far].toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
}
