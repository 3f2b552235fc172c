import { INTERVAL_MS, type RollupInterval } from "../domain/interval.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { heldSql, type ReadTerms, type SortDirection } from "./belief-sql.ts";

const WIDTHS: Readonly<Record<RollupInterval, string>> = { "5m": "5 minutes", "1h": "1 hour" };

/** What a rollup is made of, of the columns between a bar's key and its session: the rest need not be sorted. */
const MINUTE_COLUMNS = "open, high, low, close, volume, vwap, trade_count, as_of, provider, feed";

/** Who gave a bar as a bit: cheaper than to collect the names of each bucket's bars. */
const SOURCE_BIT = `1 << (
          array_position('{${PROVIDER_IDS.join(",")}}'::text[], b.provider) * ${FEEDS.length}
          + array_position('{${FEEDS.join(",")}}'::text[], b.feed) - ${FEEDS.length + 1})`;

/** The sources of a bucket, `provider/feed`, sorted. */
export function sourcesOfBits(bits: number): string[] {
  const names = PROVIDER_IDS.flatMap((provider) => FEEDS.map((feed) => `${provider}/${feed}`));
  return names.filter((_, place) => (bits & (1 << place)) !== 0).sort();
}

/** So many minutes of a symbol hold its first `limit` bars whole: none has more of them than it is long. */
export function minutesOfRollups(interval: RollupInterval, limit: number): number {
  return limit * (INTERVAL_MS[interval] / MINUTE_MS);
}

/**
 * The first $7 bars of `page.symbol`, worked out from the minutes that were believed at $5: the definitions of the
 * views `candles_5m` and `candles_1h` (migration 0013), and who gave the bars. A page never ends inside a start that
 * two sessions share. `isWhole`: no more than $6 minutes can start in the range.
 *
 * The minutes are sorted once, by bar and then by time: that finds the belief of each, and the aggregates take them
 * in that order, on which first, last and sums of doubles depend. An order asked for in each aggregate would sort
 * every group again before PostgreSQL 16.
 */
export function rollupSql(
  interval: RollupInterval,
  sort: SortDirection,
  terms: ReadTerms,
  page: { readonly isFirst: boolean; readonly isWhole: boolean },
): string {
  return `
    select page.symbol, bucket as ts, open, high, low, close, volume,
      case when volume > 0 then notional / volume else close end as vwap,
      trade_count, as_of, session, revision, bars, sources, has_backfilled
    from (
      select b.bucket, b.session,
        (array_agg(b.open))[1] as open, max(b.high) as high, min(b.low) as low,
        (array_agg(b.close))[count(*)] as close,
        sum(b.volume) as volume, sum(coalesce(b.vwap, b.close) * b.volume) as notional,
        sum(b.trade_count)::bigint as trade_count, max(b.as_of) as as_of,
        sum(b.revision)::integer as revision, count(*)::integer as bars,
        bit_or(${SOURCE_BIT}) as sources,
        bool_or(b.status = 'backfilled') as has_backfilled
      from (
        select distinct on (bucket, session, ts) * from (
          select held.*, date_bin('${WIDTHS[interval]}', held.ts, timestamptz 'epoch') as bucket from (
            ${heldSql("1m", sort, terms, { ...page, columns: MINUTE_COLUMNS })}
          ) held
        ) minute
        order by bucket, session, ts, as_of desc
      ) b
      ${terms.feed === null ? "" : `where b.feed = ${terms.feed}::text`}
      group by b.bucket, b.session
    ) buckets
    order by ts ${sort} fetch first ($7::integer) rows with ties`;
}
