import type { RollupInterval } from "../domain/interval.ts";
import { beliefSql, type SortDirection } from "./belief-sql.ts";

const WIDTHS: Readonly<Record<RollupInterval, string>> = { "5m": "5 minutes", "1h": "1 hour" };

/**
 * The buckets of `page.symbol`, worked out from the minutes that were believed at $5: the definitions of the views
 * `candles_5m` and `candles_1h` (migration 0013), and who gave the bars. A page never ends inside a start that
 * two sessions share.
 */
export function rollupSql(interval: RollupInterval, sort: SortDirection): string {
  const bucket = `date_bin('${WIDTHS[interval]}', b.ts, timestamptz 'epoch')`;
  return `
    select symbol, ts, open, high, low, close, volume,
      case when volume > 0 then notional / volume else close end as vwap,
      trade_count, as_of, session, revision, bars, sources, has_backfilled
    from (
      select b.symbol, ${bucket} as ts, b.session,
        (array_agg(b.open order by b.ts))[1] as open, max(b.high) as high, min(b.low) as low,
        (array_agg(b.close order by b.ts desc))[1] as close,
        sum(b.volume order by b.ts) as volume,
        sum(coalesce(b.vwap, b.close) * b.volume order by b.ts) as notional,
        sum(b.trade_count)::bigint as trade_count, max(b.as_of) as as_of,
        sum(b.revision)::integer as revision, count(*)::integer as bars,
        array_agg(distinct b.provider || '/' || b.feed) as sources,
        bool_or(b.status = 'backfilled') as has_backfilled
      from (${beliefSql("1m", sort, false)}) b
      group by b.symbol, ${bucket}, b.session
    ) buckets
    order by ts ${sort} fetch first ($6::integer) rows with ties`;
}
