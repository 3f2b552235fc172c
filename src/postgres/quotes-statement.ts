import type { Flush } from "../contracts/flush.ts";
import { toIso } from "../domain/time.ts";
import type { SqlStatement } from "./sql-client.ts";

/** One statement a flush. A later word about the same event replaces the row, an older one does not. */
const QUOTES_SQL = `
insert into quotes_l1 as q (
  symbol, ts, ns_of_ms, bid, ask, bid_size, ask_size, size_unit, last, last_ts,
  provider, feed, venue, consolidated, status, asked_at, as_of
)
select r.symbol, timestamptz 'epoch' + r.ts_ms * interval '1 millisecond', r.ns_of_ms,
  r.bid, r.ask, r.bid_size, r.ask_size, r.size_unit,
  r.last, timestamptz 'epoch' + r.last_ms * interval '1 millisecond',
  r.provider, r.feed, r.venue, r.consolidated, r.status,
  timestamptz 'epoch' + r.asked_ms * interval '1 millisecond', $17::timestamptz
from unnest(
  $1::text[], $2::bigint[], $3::integer[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
  $8::text[], $9::float8[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::boolean[],
  $15::text[], $16::bigint[]
) as r (
  symbol, ts_ms, ns_of_ms, bid, ask, bid_size, ask_size, size_unit, last, last_ms,
  provider, feed, venue, consolidated, status, asked_ms
)
on conflict (symbol, ts, provider) do update set
  ns_of_ms = excluded.ns_of_ms, bid = excluded.bid, ask = excluded.ask,
  bid_size = excluded.bid_size, ask_size = excluded.ask_size, size_unit = excluded.size_unit,
  last = excluded.last, last_ts = excluded.last_ts, feed = excluded.feed, venue = excluded.venue,
  consolidated = excluded.consolidated, status = excluded.status, asked_at = excluded.asked_at,
  as_of = excluded.as_of
where q.as_of < excluded.as_of`;

/** The statement that stores the quotes of a flush of class `quotes`. */
export function quotesStatement(flush: Flush): SqlStatement {
  const { quotes } = flush;
  return {
    text: QUOTES_SQL,
    params: [
      quotes.map((row) => row[0]),
      quotes.map((row) => row[1]),
      quotes.map((row) => row[2]),
      quotes.map((row) => row[3]),
      quotes.map((row) => row[4]),
      quotes.map((row) => row[5]),
      quotes.map((row) => row[6]),
      quotes.map((row) => row[7]),
      quotes.map((row) => row[8]),
      quotes.map((row) => row[9]),
      quotes.map((row) => row[10]),
      quotes.map((row) => row[11]),
      quotes.map((row) => row[12]),
      quotes.map((row) => String(row[13])),
      quotes.map((row) => row[14]),
      quotes.map((row) => row[15]),
      toIso(flush.as_of),
    ],
  };
}
