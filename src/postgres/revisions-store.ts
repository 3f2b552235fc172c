import { z } from "zod";
import type { Interval } from "../domain/interval.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import { BELIEF_COLUMNS } from "./belief-sql.ts";
import type { SqlClient } from "./sql-client.ts";
import { type StoredBar, storedBarRow } from "./stored-bar.ts";

/** Beliefs of one bar that are read: the newest ones. A bar that was revised more often has a fault behind it. */
export const MAX_BAR_REVISIONS = 1_000;

const CURRENT: Readonly<Record<Interval, string>> = {
  "1m": `select c.symbol, c.ts, ${BELIEF_COLUMNS}, c.session, c.status, c.revision, true as current
    from candles_intraday c where c.symbol = $1 and c.interval = '1m' and c.ts = $2::timestamptz`,
  "1d": `select c.symbol, c.trading_date::timestamp at time zone 'UTC', ${BELIEF_COLUMNS}, 'regular', c.status,
      c.revision, true
    from candles_daily c where c.symbol = $1
      and c.trading_date = ($2::timestamptz at time zone 'UTC')::date
      and $2::timestamptz = date_trunc('day', $2::timestamptz at time zone 'UTC') at time zone 'UTC'`,
};

const revisionsSql = (interval: Interval) => `
select * from (
  select r.symbol, r.ts, ${BELIEF_COLUMNS}, r.session, r.status, r.revision, false as current
  from candles_revisions r where r.symbol = $1 and r.interval = '${interval}' and r.ts = $2::timestamptz
  union all
  ${CURRENT[interval]}
) belief
order by as_of desc limit $3::integer`;
const REVISIONS_SQL: Readonly<Record<Interval, string>> = {
  "1m": revisionsSql("1m"),
  "1d": revisionsSql("1d"),
};

const currentRow = z.object({ current: z.boolean() });

/** What was believed of a bar from its `asOfMs` on; `current`: it still is. */
export type BarRevision = StoredBar & { readonly current: boolean };

/** A bar: `ts` its START, of a daily one 00:00 UTC of its trading date. */
export interface BarKey {
  readonly symbol: string;
  readonly interval: Interval;
  readonly ts: EpochMs;
}

/**
 * Everything that was ever believed of a bar, oldest first, what is believed now last and `current`. A bar that
 * somebody deleted by hand has a history and nothing current. At most the newest `MAX_BAR_REVISIONS`.
 */
export async function readRevisions(sql: SqlClient, key: BarKey): Promise<BarRevision[]> {
  const { rows } = await sql.query({
    text: REVISIONS_SQL[key.interval],
    params: [key.symbol, toIso(key.ts), MAX_BAR_REVISIONS],
  });
  return rows
    .map((row) => ({ ...storedBarRow.parse(row), current: currentRow.parse(row).current }))
    .toReversed();
}
