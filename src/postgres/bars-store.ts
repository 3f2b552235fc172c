import { z } from "zod";
import { barStatusSchema, sessionKindSchema } from "../contracts/flush.ts";
import type { Interval } from "../domain/interval.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

export const MAX_READ_SYMBOLS = 1_000;
/** Rows one page may hold: about 2 MB of answer. */
export const MAX_READ_ROWS = 10_000;

const storedBarRow = z
  .object({
    symbol: z.string(),
    ts: instantMs,
    open: z.number(),
    high: z.number(),
    low: z.number(),
    close: z.number(),
    volume: z.number(),
    vwap: z.number().nullable(),
    trade_count: exactInteger.nullable(),
    as_of: instantMs,
    asked_at: instantMs,
    provider: z.enum(PROVIDER_IDS),
    feed: z.enum(FEEDS),
    session: sessionKindSchema,
    status: barStatusSchema,
    revision: z.number().int(),
  })
  .transform(({ trade_count, as_of, asked_at, ...same }) => ({
    ...same,
    tradeCount: trade_count,
    asOfMs: as_of,
    askedAtMs: asked_at,
  }));

/**
 * A bar as it was believed. `ts` (bar START; of a daily bar 00:00 UTC of its trading date), `asOfMs` (since when) and `askedAtMs` are epoch ms;
 * prices in dollars as printed, volume in shares, `vwap` and `tradeCount` null when the provider gave none.
 */
export type StoredBar = z.infer<typeof storedBarRow>;

/** A page of believed bars: which symbols and time, as of when, and where the page begins. */
export interface BarsQuery {
  readonly symbols: readonly string[];
  readonly interval: Interval;
  /** Bar starts in `[startMs, endMs)`. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  /** Only what was known at this time; repeatable when it is not above the horizon. */
  readonly asOfMs: EpochMs;
  /** Rows of a page, 1 to `MAX_READ_ROWS`. */
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly symbol: string; readonly ts: EpochMs };
}

const VALUES = "open, high, low, close, volume, vwap, trade_count, as_of, asked_at, provider, feed";

/** What is believed now of a symbol, by interval: its columns in the order of the revisions', and its rows. */
const CURRENT: Readonly<Record<Interval, string>> = {
  "1m": `select symbol, ts, ${VALUES}, session, status, revision from candles_intraday c
      where c.symbol = page.symbol and c.interval = '1m' and c.ts >= page.start_ts
        and c.ts >= $3::timestamptz and c.ts < $4::timestamptz and c.as_of <= $5::timestamptz
      order by c.ts limit $6::integer`,
  // Dates are compared with dates, so that the planner sees the years that it needs.
  "1d": `select symbol, trading_date::timestamp at time zone 'UTC' as ts, ${VALUES},
        'regular' as session, status, revision from candles_daily c
      where c.symbol = page.symbol and c.trading_date >= ${firstDate("page.start_ts")}
        and c.trading_date >= ${firstDate("$3::timestamptz")}
        and c.trading_date < ${firstDate("$4::timestamptz")} and c.as_of <= $5::timestamptz
      order by c.trading_date limit $6::integer`,
};

/** The first date that begins at an instant or after it. */
function firstDate(instant: string): string {
  return `((${instant} at time zone 'UTC') + interval '1 day' - interval '1 microsecond')::date`;
}

/**
 * Per symbol the newest belief that is not later than `as_of`, from what is believed now and what was replaced.
 * Each side stops after a page: the first rows of the union are among the first rows of its sides; and because
 * symbols come sorted, symbols after the page are not read (an incremental sort).
 * A bar that only the revisions hold was deleted by hand; what was believed stays readable.
 */
const readSql = (interval: Interval) => `
select bar.*
from (
  select asked.symbol collate "C" as symbol, asked.start_ts
  from unnest($1::text[], $2::timestamptz[]) as asked (symbol, start_ts) order by 1
) page
cross join lateral (
  select distinct on (ts) * from (
    (${CURRENT[interval]})
    union all
    (select distinct on (r.ts) symbol, ts, ${VALUES}, session, status, revision from candles_revisions r
      where r.symbol = page.symbol and r.interval = '${interval}' and r.ts >= page.start_ts
        and r.ts >= $3::timestamptz and r.ts < $4::timestamptz and r.as_of <= $5::timestamptz
      order by r.ts, r.as_of desc limit $6::integer)
  ) belief
  order by ts, as_of desc limit $6::integer
) bar
order by page.symbol, bar.ts limit $6::integer`;

const READ_SQL: Readonly<Record<Interval, string>> = { "1m": readSql("1m"), "1d": readSql("1d") };

/**
 * One page of bars as of a time, ordered by symbol (byte order) and start. Fewer rows than `limit` means that
 * the range is exhausted. Throws a RangeError outside the bounds.
 */
export async function readBars(sql: SqlClient, query: BarsQuery): Promise<StoredBar[]> {
  const { startMs, endMs, after } = query;
  if (query.symbols.length > MAX_READ_SYMBOLS) throw new RangeError("too many symbols");
  if (!(query.limit >= 1 && query.limit <= MAX_READ_ROWS)) throw new RangeError("bad page size");
  const remaining = [...new Set(query.symbols)]
    .sort()
    .filter((symbol) => after === undefined || symbol >= after.symbol);
  if (remaining.length === 0 || startMs >= endMs) return [];
  const starts = remaining.map((symbol) =>
    toIso(symbol === after?.symbol ? Math.max(startMs, after.ts + 1) : startMs),
  );
  const { rows } = await sql.query({
    text: READ_SQL[query.interval],
    params: [remaining, starts, toIso(startMs), toIso(endMs), toIso(query.asOfMs), query.limit],
  });
  return rows.map((row) => storedBarRow.parse(row));
}
