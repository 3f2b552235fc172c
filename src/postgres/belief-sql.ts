import type { Interval } from "../domain/interval.ts";

/** Which way a symbol's bars are read. Symbols themselves always come in byte order. */
export type SortDirection = "asc" | "desc";

/**
 * What the statements about beliefs bind. Each is run for a row `page (symbol, bound)` of symbols and where their
 * bars begin (`asc`) or end (`desc`):
 * $3, $4 bar starts `[$3, $4)`; $5 known at; $6 rows of a page; $7 stored by; $8 feed or null;
 * and for minutes $9 sessions, $10 the windows in which a post bar counts, too.
 */
export const BELIEF_COLUMNS =
  "open, high, low, close, volume, vwap, trade_count, as_of, asked_at, provider, feed";

/**
 * Known at $5: since a belief was written, or (only if $7 is later) since the end of the bar and the settle delay of
 * 90 s, when it is the first one and came by backfill. Source of the rule: storage.md, `knowledge=assumed`.
 */
function known(table: string, barEnd: string): string {
  return `${table}.as_of <= $7::timestamptz and (${table}.as_of <= $5::timestamptz
      or (${table}.revision = 0 and ${table}.status = 'backfilled'
        and ${barEnd} + interval '90 seconds' <= $5::timestamptz))`;
}

/** A date's end of trading by the clock; a close at 13:00 counts as 16:00, which is never too early. */
const dayEnd = (date: string) => `((${date} + time '16:00') at time zone 'America/New_York')`;

/** The first date that begins at an instant or after it. */
const firstDate = (instant: string) =>
  `((${instant} at time zone 'UTC') + interval '1 day' - interval '1 microsecond')::date`;

/** What differs between the tables of minutes and of days. */
interface BeliefTable {
  /** What is believed now, as `c`, with the conditions on its key. */
  readonly current: (bound: string) => string;
  readonly currentTs: string;
  readonly currentSession: string;
  readonly currentEnd: string;
  readonly oldEnd: string;
  /** Whether `c` is the row of an old belief `old`. */
  readonly isSame: string;
  readonly filter: (table: string) => string;
}

const TABLES: Readonly<Record<Interval, BeliefTable>> = {
  "1m": {
    current: (bound) => `candles_intraday c where c.symbol = page.symbol and c.interval = '1m'
      and c.ts >= $3::timestamptz and c.ts < $4::timestamptz${bound === "" ? "" : ` and c.ts ${bound}`}`,
    currentTs: "c.ts",
    currentSession: "c.session",
    currentEnd: "(c.ts + interval '1 minute')",
    oldEnd: "(r.ts + interval '1 minute')",
    isSame: "c.ts = old.ts",
    filter: (
      table,
    ) => `($8::text is null or ${table}.feed = $8::text) and (${table}.session = any($9::text[])
      or (${table}.session = 'post' and ${table}.ts <@ $10::tstzmultirange))`,
  },
  // Dates are compared with dates, so that the planner sees the years that it needs.
  "1d": {
    current: (bound) => `candles_daily c where c.symbol = page.symbol
      and c.trading_date >= ${firstDate("$3::timestamptz")} and c.trading_date < ${firstDate("$4::timestamptz")}${
        bound === ""
          ? ""
          : ` and c.trading_date ${bound.replace("page.bound", firstDate("page.bound"))}`
      }`,
    currentTs: "(c.trading_date::timestamp at time zone 'UTC')",
    currentSession: "'regular'",
    currentEnd: dayEnd("c.trading_date"),
    oldEnd: dayEnd("(r.ts at time zone 'UTC')::date"),
    isSame: "c.trading_date = (old.ts at time zone 'UTC')::date",
    filter: (table) => `($8::text is null or ${table}.feed = $8::text)`,
  },
};

/**
 * The beliefs of `page.symbol` that were held at $5, one a bar: the current row when it was known by then, else
 * the newest of those that were replaced. What is asked of a belief (feed, session) is asked after it was chosen:
 * a bar that another feed had replaced by then is not found by its old feed. With `limit` each side stops after a
 * page: the first rows of the union are among the first rows of its sides.
 * A bar that only the revisions hold was deleted by hand; what was believed stays readable.
 */
export function beliefSql(interval: Interval, sort: SortDirection, limit: boolean): string {
  const table = TABLES[interval];
  const bound = sort === "asc" ? ">= page.bound" : "< page.bound";
  const stop = limit ? "limit $6::integer" : "";
  return `
    (select c.symbol, ${table.currentTs} as ts, ${BELIEF_COLUMNS}, ${table.currentSession} as session, status, revision
      from ${table.current(bound)}
      and ${known("c", table.currentEnd)} and ${table.filter("c")}
      ${limit ? `order by ${table.currentTs === "c.ts" ? "c.ts" : "c.trading_date"} ${sort} ${stop}` : ""})
    union all
    (select old.* from (
        select distinct on (r.ts) symbol, ts, ${BELIEF_COLUMNS}, session, status, revision
        from candles_revisions r
        where r.symbol = page.symbol and r.interval = '${interval}' and r.ts ${bound}
          and r.ts >= $3::timestamptz and r.ts < $4::timestamptz and ${known("r", table.oldEnd)}
        order by r.ts ${sort}, r.as_of desc
      ) old
      where ${table.filter("old")} and not exists (
        select from ${table.current("")} and ${table.isSame} and ${known("c", table.currentEnd)}
      )
      ${limit ? `order by old.ts ${sort} ${stop}` : ""})`;
}
