import type { SymbolRange } from "../contracts/backfill.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

const KNOWN_SQL = `
insert into ingestion_cursor as c (symbol, interval, known, as_of)
select k.symbol, '1m', range_agg(tstzrange(k.from_ts, k.to_ts)), $4::timestamptz
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as k (symbol, from_ts, to_ts)
group by k.symbol
on conflict (symbol, interval) do update
set known = c.known + excluded.known, as_of = greatest(c.as_of, excluded.as_of)`;

/**
 * Remembers which minutes the history lane has asked for: within them an expected minute without a bar was
 * no trade, although the symbol's group never owed it. The same ranges twice change nothing.
 */
export async function recordKnown(
  sql: SqlClient,
  ranges: readonly SymbolRange[],
  nowMs: EpochMs,
): Promise<void> {
  await sql.query({
    text: KNOWN_SQL,
    params: [
      ranges.map(({ symbol }) => symbol),
      ranges.map(({ startMs }) => toIso(startMs)),
      ranges.map(({ endMs }) => toIso(endMs)),
      toIso(nowMs),
    ],
  });
}
