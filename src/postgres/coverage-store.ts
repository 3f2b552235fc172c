import { z } from "zod";
import { MAX_COVERAGE_CELLS } from "../contracts/coverage.ts";
import { type Coverage, coverageOf } from "../domain/coverage.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

const countedRow = z.object({
  place: z.number().int(),
  owed: z.number().int(),
  got: z.number().int(),
  known: z.number().int(),
  known_got: z.number().int(),
  missing: z.array(z.number()),
  pending: z.array(z.number()),
});

/**
 * Regular minutes `[startMs, endMs)` that a symbol of `group` is owed, on whole minutes. Of those from
 * `knownFromMs` on that it is not owed, the ones that the history lane has asked for are counted, too.
 */
export interface OwedMinutes {
  readonly symbol: string;
  readonly group: number;
  readonly knownFromMs: EpochMs;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/**
 * Per asked range: the bars, and of the minutes without one those in a hole or given up (missing), and
 * those that the watermark has not passed (pending: flushes that carry them may still wait to be
 * stored). The minutes of a range are gone through one by one only when it has any of these.
 * Before the owed minutes (from $8 on) those count that the history lane has asked for: bars, or no trade.
 * Of days that were dropped once nothing is owed, though more days were to be kept since.
 * $6 and $7 bound what all ranges read, so that the planner sees the partitions.
 */
const COVERAGE_SQL = `
with asked as (
  select a.symbol collate "C" as symbol, a.place::integer as place, owed.from_ts, a.to_ts,
    tstzmultirange(tstzrange(owed.from_ts, a.to_ts))
      * (coalesce(c.holes, '{}') + coalesce(c.unfillable, '{}')) as open,
    coalesce(c.watermark, g.watermark_1m, owed.from_ts) as watermark,
    tstzmultirange(tstzrange(a.known_ts, owed.from_ts)) * coalesce(c.known, '{}') as known
  from unnest(
      $1::text[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::integer[], $8::timestamptz[]
    ) as a (symbol, "group", from_ts, to_ts, place, known_ts)
  left join retention r on r.class = 'bars'
  cross join lateral (
    select least(greatest(a.from_ts, r.kept_from::timestamp at time zone 'UTC'), a.to_ts) as from_ts
  ) owed
  left join ingestion_cursor c on c.symbol = a.symbol and c.interval = '1m'
  left join group_cursor g on g."group" = a."group" and g.class = 'bars'
)
select a.place, (extract(epoch from a.to_ts - a.from_ts) / 60)::integer as owed, stored.got, absent.missing, absent.pending, history.known, history.known_got
from asked a
cross join lateral (
  select count(*)::integer as got from candles_intraday b
  where b.symbol = a.symbol and b.interval = '1m' and b.ts >= a.from_ts and b.ts < a.to_ts
    and b.ts >= $6::timestamptz and b.ts < $7::timestamptz
) stored
cross join lateral (
  select
    coalesce(json_agg(m.ms order by m.ms) filter (where m.is_open), '[]') as missing,
    coalesce(json_agg(m.ms order by m.ms) filter (where not m.is_open), '[]') as pending
  from (
    select (extract(epoch from minute) * 1000)::bigint as ms, a.open @> minute as is_open
    from generate_series(
      a.from_ts,
      case when isempty(a.open) and a.watermark >= a.to_ts then a.from_ts else a.to_ts end
        - interval '1 minute',
      interval '1 minute'
    ) as minute
    where (a.open @> minute or minute >= a.watermark)
      and not exists (
        select from candles_intraday b
        where b.symbol = a.symbol and b.interval = '1m' and b.ts = minute
          and b.ts >= $6::timestamptz and b.ts < $7::timestamptz
      )
  ) m
) absent
cross join lateral (
  select
    coalesce(sum(extract(epoch from upper(k) - lower(k)) / 60), 0)::integer as known,
    coalesce(sum((
      select count(*) from candles_intraday b
      where b.symbol = a.symbol and b.interval = '1m' and b.ts >= lower(k) and b.ts < upper(k)
        and b.ts >= $6::timestamptz and b.ts < $7::timestamptz
    )), 0)::integer as known_got
  from unnest(a.known) as k
) history`;

/**
 * The coverage of some ranges as Postgres knows it, in their order: below the watermark an expected
 * minute without a bar that is in no hole was no trade. Throws a RangeError for too many ranges.
 */
export async function readStoredCoverage(
  sql: SqlClient,
  ranges: readonly OwedMinutes[],
): Promise<Coverage[]> {
  if (ranges.length > MAX_COVERAGE_CELLS) throw new RangeError("too many ranges");
  if (ranges.length === 0) return [];
  const { rows } = await sql.query({
    text: COVERAGE_SQL,
    params: [
      ranges.map(({ symbol }) => symbol),
      ranges.map(({ group }) => group),
      ranges.map(({ startMs }) => toIso(startMs)),
      ranges.map(({ endMs }) => toIso(endMs)),
      ranges.map((_, place) => place),
      toIso(Math.min(...ranges.map(({ knownFromMs }) => knownFromMs))),
      toIso(Math.max(...ranges.map(({ endMs }) => endMs))),
      ranges.map(({ knownFromMs }) => toIso(knownFromMs)),
    ],
  });
  const counted = new Map(rows.map((row) => countedRow.parse(row)).map((row) => [row.place, row]));
  return ranges.map((_, place) => {
    const row = counted.get(place);
    return coverageOf({
      expected: (row?.owed ?? 0) + (row?.known ?? 0),
      got: (row?.got ?? 0) + (row?.known_got ?? 0),
      missing: row?.missing ?? [],
      pending: row?.pending ?? [],
    });
  });
}
