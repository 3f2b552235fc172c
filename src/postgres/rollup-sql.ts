import type { RollupInterval } from "../domain/interval.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import {
  fromBound,
  type HeldOptions,
  heldSql,
  type ReadTerms,
  type SortDirection,
} from "./belief-sql.ts";

const WIDTHS: Readonly<Record<RollupInterval, string>> = { "5m": "5 minutes", "1h": "1 hour" };

/** What a rollup is made of, of the columns between a bar's key and its session: the rest need not be sorted. */
const MINUTE_COLUMNS = "open, high, low, close, volume, vwap, trade_count, as_of, provider, feed";

/** Bits of a provider, one for each feed. They are stored: six providers and five feeds have room, new ones at the end. */
export const FEED_BITS = 5;

/** Who gave a bar as a bit: cheaper than to collect the names of each bucket's bars. */
const SOURCE_BIT = `1 << (
            array_position('{${PROVIDER_IDS.join(",")}}'::text[], b.provider) * ${FEED_BITS}
            + array_position('{${FEEDS.join(",")}}'::text[], b.feed) - ${FEED_BITS + 1})`;

/** The sources of a bucket, `provider/feed`, sorted. */
export function sourcesOfBits(bits: number): string[] {
  return PROVIDER_IDS.flatMap((provider, row) =>
    FEEDS.filter((_, place) => (bits & (1 << (row * FEED_BITS + place))) !== 0).map(
      (feed) => `${provider}/${feed}`,
    ),
  ).sort();
}

/** Which minutes are rolled up: see `heldSql`. */
type Spans = Omit<HeldOptions, "columns"> & {
  /** The one session of the span whose minutes count; absent: all. */
  readonly session?: string;
};

/** A bar that is worked out, in the order of the type `stored_hour` (migration 0026). */
const BAR_COLUMNS =
  "ts session open high low close volume vwap trade_count as_of revision bars sources has_backfilled first_ts last_ts";
const barOf = (row: string) =>
  BAR_COLUMNS.split(" ")
    .map((column) => `${row}.${column}`)
    .join(", ");

/** Everything that is held of all feeds and sessions. */
const NO_TERMS: ReadTerms = { storedBy: null, feed: null, ranges: null };

/**
 * The bars of `page.symbol` in a span of time, worked out from the minutes that were believed at $5: the definitions
 * of the views `candles_5m` and `candles_1h` (migration 0013), and who gave the bars. A span has all minutes of a bar
 * or none.
 *
 * The minutes are sorted once, by bar and then by time: that finds the belief of each, and the aggregates take them
 * in that order, on which first, last and sums of doubles depend. An order asked for in each aggregate would sort
 * every group again before PostgreSQL 16.
 */
function bucketsSql(interval: RollupInterval, terms: ReadTerms, spans: Spans): string {
  return `
      select ts, session, open, high, low, close, volume,
        case when volume > 0 then notional / volume else close end as vwap,
        trade_count, as_of, revision, bars, sources, has_backfilled, first_ts, last_ts
      from (
        select b.bucket as ts, b.session,
          (array_agg(b.open))[1] as open, max(b.high) as high, min(b.low) as low,
          (array_agg(b.close))[count(*)] as close,
          sum(b.volume) as volume, sum(coalesce(b.vwap, b.close) * b.volume) as notional,
          sum(b.trade_count)::bigint as trade_count, max(b.as_of) as as_of,
          sum(b.revision)::integer as revision, count(*)::integer as bars,
          bit_or(${SOURCE_BIT}) as sources,
          bool_or(b.status = 'backfilled') as has_backfilled,
          min(b.ts) as first_ts, max(b.ts) as last_ts
        from (
          select distinct on (bucket, session, ts) * from (
            select held.*, date_bin('${WIDTHS[interval]}', held.ts, timestamptz 'epoch') as bucket
            from (${heldSql("1m", terms, { ...spans, columns: MINUTE_COLUMNS })}) held
            ${spans.session === undefined ? "" : `where held.session = ${spans.session}`}
          ) minute
          order by bucket, session, ts, as_of desc
        ) b
        ${terms.feed === null ? "" : `where b.feed = ${terms.feed}::text`}
        group by b.bucket, b.session
      ) worked_out`;
}

/**
 * The hours of `page.symbol` on a day `span`: those that are kept, where they stand for what was believed at $5, else
 * worked out. An hour of which only a part is asked for is worked out again, from the minutes of its session.
 */
function hoursSql(
  terms: ReadTerms,
  page: { readonly isFirst: boolean; readonly sort: SortDirection },
): string {
  const minutes = "tstzrange(hour.first_ts, hour.last_ts, '[]')";
  const ranges = terms.ranges === null ? null : `${terms.ranges}::tstzmultirange`;
  const kept = `unnest(kept.hours) hour
      where hour.ts >= $3::timestamptz and hour.ts < $4::timestamptz ${fromBound("hour.ts", page)}`;
  const parts = `
      union all
      select ${barOf("bar")} from (
        select hour.ts as from_ts, hour.ts + interval '1 hour' as to_ts, hour.session from ${kept}
          and ${minutes} && ${ranges} and not ${minutes} <@ ${ranges}
      ) part
      cross join lateral (${bucketsSql("1h", terms, { ...page, span: "part", session: "part.session" })}) bar`;
  return `
      select ${barOf("hour")} from ${kept} ${ranges === null ? "" : `and ${minutes} <@ ${ranges}`}
      union all
      select ${barOf("bar")} from (${bucketsSql("1h", terms, { ...page, span: "span" })}) bar
      where kept.symbol is null
      ${ranges === null ? "" : parts}`;
}

const KEPT_SQL = `left join stored_hours kept on span.keeps_hours
      and kept.symbol = page.symbol and kept.day = span.day and kept.hours is not null and kept.as_of <= $5::timestamptz`;

/**
 * The first $6 bars of `page.symbol`, worked out from the minutes that were believed at $5. A page never ends inside a
 * start that two sessions share.
 *
 * A UTC day at a time, for no bar goes beyond one: each is a small sort, and days behind the page are not looked at.
 */
export function rollupSql(
  interval: RollupInterval,
  sort: SortDirection,
  terms: ReadTerms,
  isFirst: boolean,
): string {
  const page = { sort, isFirst };
  // Hours are kept of all feeds together.
  const isKept = interval === "1h" && terms.feed === null;
  const bars = isKept
    ? hoursSql(terms, page)
    : bucketsSql(interval, terms, { ...page, span: "span" });
  return `
    select page.symbol, bucket.*
    from (
      select held.day, held.keeps_hours, held.day::timestamp at time zone 'UTC' as from_ts,
        (held.day + 1)::timestamp at time zone 'UTC' as to_ts
      from bar_days($3::timestamptz, $4::timestamptz) held order by held.day ${sort}
    ) span
    ${isKept ? KEPT_SQL : ""}
    cross join lateral (${bars}) bucket
    order by span.day ${sort}, bucket.ts ${sort} fetch first ($6::integer) rows with ties`;
}

/**
 * Works out and keeps the hours of the UTC day $1, which is `[$3, $4)`, as they are believed at $5, the end of time.
 * Of $2 symbols at most of those whose hours are to be made; answers of how many, `count`. A symbol that has no bars
 * any more is taken off.
 */
export const STORE_HOURS_SQL = `
with page as (
  select s.symbol from stored_hours s where s.day = $1::date and s.hours is null
  order by s.symbol limit $2::integer
), made as (
  update stored_hours kept set as_of = day.as_of, hours = day.hours
  from (
    select page.symbol, max(bar.as_of) as as_of,
      array_agg((${barOf("bar")})::stored_hour order by bar.first_ts) as hours
    from page
    cross join (select $3::timestamptz as from_ts, $4::timestamptz as to_ts) span
    cross join lateral (${bucketsSql("1h", NO_TERMS, { sort: "asc", isFirst: true, span: "span" })}) bar
    group by page.symbol
  ) day
  where kept.symbol = day.symbol and kept.day = $1::date
  returning kept.symbol
), gone as (
  delete from stored_hours kept using page
  where kept.symbol = page.symbol and kept.day = $1::date and page.symbol not in (select symbol from made)
)
select count(*)::integer as count from page`;
