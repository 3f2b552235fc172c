import { z } from "zod";
import { quoteStatusSchema, sizeUnitSchema } from "../contracts/quote-row.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

/** Rows one page may hold: about 3 MB of answer. */
export const MAX_QUOTE_ROWS = 10_000;

const value = z.number().nullable();
const storedQuoteRow = z
  .object({
    symbol: z.string(),
    ts: instantMs,
    ns_of_ms: z.number().int(),
    bid: value,
    ask: value,
    bid_size: value,
    ask_size: value,
    size_unit: sizeUnitSchema.nullable(),
    last: value,
    last_ts: instantMs.nullable(),
    provider: z.enum(PROVIDER_IDS),
    feed: z.enum(FEEDS),
    venue: z.string().nullable(),
    consolidated: z.boolean(),
    status: quoteStatusSchema,
    asked_at: instantMs,
    as_of: instantMs,
  })
  .transform(({ ns_of_ms, bid_size, ask_size, size_unit, last_ts, asked_at, as_of, ...same }) => ({
    ...same,
    nsOfMs: ns_of_ms,
    bidSize: bid_size,
    askSize: ask_size,
    sizeUnit: size_unit,
    lastTs: last_ts,
    askedAt: asked_at,
    asOfMs: as_of,
  }));

/** A quote as it was sampled, with the knowledge time of the flush that brought it. */
export type StoredQuote = z.infer<typeof storedQuoteRow>;

/** A page of one symbol's quotes: events in `[startMs, endMs)` known at `asOfMs`. */
export interface QuotesQuery {
  readonly symbol: string;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly asOfMs: EpochMs;
  /** Rows of a page, 1 to `MAX_QUOTE_ROWS`. */
  readonly limit: number;
}

/** With ties: a page never ends between two providers' quotes of one event time, so `ts` alone continues it. */
const READ_SQL = `
select symbol, ts, ns_of_ms, bid, ask, bid_size, ask_size, size_unit, last, last_ts,
  provider, feed, venue, consolidated, status, asked_at, as_of
from quotes_l1
where symbol = $1 and ts >= $2::timestamptz and ts < $3::timestamptz and as_of <= $4::timestamptz
order by ts fetch first ($5::integer) rows with ties`;

/**
 * One page of quotes by event time. Fewer rows than `limit` means that the range is exhausted; a page
 * may exceed it by the providers that quote the same millisecond. Throws a RangeError outside the bounds.
 */
export async function readQuotes(sql: SqlClient, query: QuotesQuery): Promise<StoredQuote[]> {
  if (!(query.limit >= 1 && query.limit <= MAX_QUOTE_ROWS)) throw new RangeError("bad page size");
  if (query.startMs >= query.endMs) return [];
  const { rows } = await sql.query({
    text: READ_SQL,
    params: [
      query.symbol,
      toIso(query.startMs),
      toIso(query.endMs),
      toIso(query.asOfMs),
      query.limit,
    ],
  });
  return rows.map((row) => storedQuoteRow.parse(row));
}
