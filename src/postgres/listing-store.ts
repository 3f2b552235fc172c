import { z } from "zod";
import type { Listing } from "../domain/merge-listings.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";

const collisionSchema = z.object({ symbol: z.string(), kept: z.string(), dropped: z.string() });
const cursorRow = z.object({ next_page: z.string(), collisions: z.array(collisionSchema) });
const listingRow = z
  .object({
    symbol: z.string(),
    listed_as: z.string(),
    name: z.string().nullable(),
    exchange: z.string().nullable(),
    type: z.string().nullable(),
    figi: z.string().nullable(),
  })
  .transform(({ listed_as: listedAs, ...row }): Listing => ({ ...row, listedAs }));

/** A provider's list as far as it was read: the page to go on with, and the rows before it. */
export interface PartialListing {
  readonly next: string;
  readonly listed: readonly Listing[];
  readonly collisions: readonly z.infer<typeof collisionSchema>[];
}

/** What was read of a provider's list on a date; null when nothing was, or all of it. */
export async function readPartialListing(
  sql: SqlClient,
  provider: ProviderId,
  date: TradingDate,
): Promise<PartialListing | null> {
  const [head, body] = await sql.transaction([
    {
      text: `select next_page, collisions from universe_listing_cursor
        where provider = $1 and trading_date = $2::date`,
      params: [provider, date],
    },
    {
      text: "select symbol, listed_as, name, exchange, type, figi from universe_listing where provider = $1",
      params: [provider],
    },
  ]);
  const cursor = cursorRow.optional().parse(head?.rows[0]);
  if (cursor === undefined) return null;
  const listed = (body?.rows ?? []).map((row) => listingRow.parse(row));
  return { next: cursor.next_page, listed, collisions: cursor.collisions };
}

/** Keeps what was read of a list, or (null) forgets it: it was read to the end, or from the start again. */
export async function keepPartialListing(
  sql: SqlClient,
  provider: ProviderId,
  date: TradingDate,
  partial: PartialListing | null,
): Promise<void> {
  const forget = {
    text: "delete from universe_listing_cursor where provider = $1",
    params: [provider],
  };
  if (partial === null) return void (await sql.query(forget));
  // A provider may repeat a row on another page: one of each spelling is kept.
  const bySpelling = new Map(partial.listed.map((row) => [row.listedAs, row]));
  const rows = [...bySpelling.values()].map(({ listedAs, ...row }) => ({
    ...row,
    listed_as: listedAs,
  }));
  await sql.transaction([
    forget,
    {
      text: `insert into universe_listing_cursor (provider, trading_date, next_page, collisions)
        values ($1, $2::date, $3, $4::jsonb)`,
      params: [provider, date, partial.next, JSON.stringify(partial.collisions)],
    },
    {
      text: `insert into universe_listing (provider, symbol, listed_as, name, exchange, type, figi)
        select $1, r.* from jsonb_to_recordset($2::jsonb)
          as r (symbol text, listed_as text, name text, exchange text, type text, figi text)`,
      params: [provider, JSON.stringify(rows)],
    },
  ]);
}
