import type { Interval } from "../domain/interval.ts";

/** Which way a symbol's bars are read. Symbols themselves always come in byte order. */
export type SortDirection = "asc" | "desc";

/** What is read of a belief between its bar's key and its session, in the order of the stored rows. */
export const BELIEF_COLUMNS =
  "open, high, low, close, volume, vwap, trade_count, as_of, asked_at, provider, feed";

/**
 * What a read asks beyond its symbols, range and knowledge time (`$5`, of one minute `$3`): the parameter of each, or
 * null for what is not asked. That is left out: a year is planned and read day by day, and each term of a condition
 * costs in every one of them.
 */
export interface ReadTerms {
  /** Later than the knowledge time, for `knowledge=assumed`: the time that a belief is stored by. */
  readonly storedBy: string | null;
  readonly feed: string | null;
  /** The ranges of bar starts that count; of no effect on daily bars. */
  readonly ranges: string | null;
}

/**
 * Known at a time: since a belief was written, or (knowledge assumed) since the end of the bar and the settle delay of
 * 90 s, when it is the first one and came by backfill. Source of the rule: storage.md, `knowledge=assumed`.
 */
function known(table: string, barEnd: string, { storedBy }: ReadTerms, asOf = "$5"): string {
  if (storedBy === null) return `${table}.as_of <= ${asOf}::timestamptz`;
  return `${table}.as_of <= ${storedBy}::timestamptz and (${table}.as_of <= ${asOf}::timestamptz
        or (${table}.revision = 0 and ${table}.status = 'backfilled'
          and ${barEnd} + interval '90 seconds' <= ${asOf}::timestamptz))`;
}

/** A minute of the sessions that are asked for. */
const inSession = (table: string, { ranges }: ReadTerms) =>
  ranges === null ? "" : `and ${table}.ts <@ ${ranges}::tstzmultirange`;

const ofFeed = ({ feed }: ReadTerms) => (feed === null ? "" : `where feed = ${feed}::text`);

/** When trading of a date ends by the clock; a close at 13:00 counts as 16:00, which is never too early. */
const dayEnd = (date: string) => `((${date} + time '16:00') at time zone 'America/New_York')`;

/** The first date that begins at an instant or after it. */
const firstDate = (instant: string) =>
  `((${instant} at time zone 'UTC') + interval '1 day' - interval '1 microsecond')::date`;

/** How the two sides of a read are bounded and ordered, and what is read of a belief. */
interface Way {
  readonly terms: ReadTerms;
  readonly sort: SortDirection;
  readonly isFirst: boolean;
  /** A row with a part of the range, `from_ts` and `to_ts`, all of which is wanted; else the first $7 rows are. */
  readonly span: string | undefined;
  readonly columns: string;
}

/** Where a page begins that is not the first; it is read from one end of the range. */
export const fromBound = (
  key: string,
  { sort, isFirst }: Pick<Way, "sort" | "isFirst">,
  bound = "page.bound",
) => (isFirst ? "" : `and ${key} ${sort === "asc" ? ">=" : "<"} ${bound}`);

/** How a read of what is held is written. */
export type HeldOptions = Pick<Way, "isFirst" | "sort"> & Partial<Pick<Way, "span" | "columns">>;

const inSpan = (key: string, { span }: Way) =>
  span === undefined ? "" : `and ${key} >= ${span}.from_ts and ${key} < ${span}.to_ts`;

/** A span is read whole and in any order, which spares a sort of it. */
const pageBy = (key: string, { sort, span }: Way) =>
  span === undefined ? `order by ${key} ${sort} limit $7::integer` : "";

/** What is believed now of a page's symbol, by interval: its columns in the order of the revisions', and its rows. */
const CURRENT: Readonly<Record<Interval, (way: Way) => string>> = {
  "1m": (
    way,
  ) => `select symbol, ts, ${way.columns}, session, status, revision from candles_intraday c
      where c.symbol = page.symbol and c.interval = '1m' ${fromBound("c.ts", way)}
        and c.ts >= $3::timestamptz and c.ts < $4::timestamptz ${inSpan("c.ts", way)} ${inSession("c", way.terms)}
        and ${known("c", "c.ts + interval '1 minute'", way.terms)}
      ${pageBy("c.ts", way)}`,
  // Dates are compared with dates, so that the planner sees the years that it needs.
  "1d": (way) => `select symbol, trading_date::timestamp at time zone 'UTC' as ts, ${way.columns},
        'regular' as session, status, revision from candles_daily c
      where c.symbol = page.symbol ${fromBound("c.trading_date", way, firstDate("page.bound"))}
        and c.trading_date >= ${firstDate("$3::timestamptz")}
        and c.trading_date < ${firstDate("$4::timestamptz")} and ${known("c", dayEnd("c.trading_date"), way.terms)}
      ${pageBy("c.trading_date", way)}`,
};

const REPLACED: Readonly<Record<Interval, (terms: ReadTerms) => string>> = {
  "1m": (terms) => `${known("r", "r.ts + interval '1 minute'", terms)} ${inSession("r", terms)}`,
  "1d": (terms) => known("r", dayEnd("(r.ts at time zone 'UTC')::date"), terms),
};

/**
 * What was held of `page.symbol` at $5, from what is believed now and, one a bar, from what was replaced: a bar may
 * come from both, the newer is the one that was believed. `page.bound` is where its bars begin (`asc`) or end
 * (`desc`), unless it is the first page (`isFirst`), which begins at an end of the range; bars start in `[$3, $4)`.
 * `columns` are those of `BELIEF_COLUMNS` that are wanted. Of a `span` all is read; else each side stops after its
 * first $7 rows (all, when $7 is null): the first rows of the union are among the first rows of its sides.
 *
 * A session is a matter of the bar's start: all beliefs of a bar share it. A bar that only the revisions hold was
 * deleted by hand; what was believed stays readable.
 */
export function heldSql(
  interval: Interval,
  terms: ReadTerms,
  { sort, isFirst, span, columns = BELIEF_COLUMNS }: HeldOptions,
): string {
  const way: Way = { terms, sort, isFirst, span, columns };
  return `(${CURRENT[interval](way)})
      union all
      (select distinct on (r.ts) symbol, ts, ${columns}, session, status, revision from candles_revisions r
        where r.symbol = page.symbol and r.interval = '${interval}' ${fromBound("r.ts", way)}
          and r.ts >= $3::timestamptz and r.ts < $4::timestamptz ${inSpan("r.ts", way)} and ${REPLACED[interval](terms)}
        order by r.ts ${sort}, r.as_of desc ${span === undefined ? "limit $7::integer" : ""})`;
}

/**
 * The first $4 of what was held at $3 of the symbols $1 about one minute, $2: a bar a symbol, in their order. All
 * symbols at once: of the whole market, a look for each on its own takes longer than the rows themselves.
 */
export function minuteSql(terms: ReadTerms): string {
  const side = (table: string) =>
    `select symbol, ts, ${BELIEF_COLUMNS}, session, status, revision from ${table} t
      where t.symbol = any($1::text[]) and t.interval = '1m' and t.ts = $2::timestamptz
        and ${known("t", "t.ts + interval '1 minute'", terms, "$3")} ${inSession("t", terms)}`;
  return `
select * from (
  select distinct on (symbol) * from (
    ${side("candles_intraday")}
    union all
    ${side("candles_revisions")}
  ) held
  order by symbol, as_of desc
) belief
${ofFeed(terms)}
order by symbol limit $4::integer`;
}

/**
 * The first $7 beliefs of `page.symbol` (all, when $7 is null) that were held at $5, one a bar.
 * The feed is asked for only of the belief that was chosen, or a bar would be found by a feed that had been replaced
 * by then; so a read by feed must not limit its sides.
 */
export function beliefSql(
  interval: Interval,
  sort: SortDirection,
  terms: ReadTerms,
  isFirst: boolean,
): string {
  return `
  select * from (
    select distinct on (ts) * from (
      ${heldSql(interval, terms, { sort, isFirst })}
    ) held
    order by ts ${sort}, as_of desc limit $7::integer
  ) belief
  ${ofFeed(terms)}`;
}
