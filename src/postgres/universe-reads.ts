import { z } from "zod";
import { CHANGE_KINDS } from "../domain/universe-change.ts";
import { TIERS, type Tier } from "../domain/tier.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

const securityRow = z
  .object({
    symbol: z.string(),
    sid: z.number().int(),
    name: z.string(),
    exchange: z.string(),
    type: z.string(),
    tier: z.enum(TIERS),
    figi: z.string().nullable(),
    first_seen: z.string(),
    renamed_from: z.string().nullable(),
    version: z.number().int(),
    as_of: instantMs,
  })
  .transform(({ first_seen: firstSeen, renamed_from: renamedFrom, as_of: asOfMs, ...row }) => ({
    ...row,
    firstSeen,
    renamedFrom,
    asOfMs,
  }));
/** A symbol as it was known; `version` and `asOfMs` of its last change. */
export type KnownSecurity = z.output<typeof securityRow>;

/** Which symbols are read: active at `asOfMs`, after `after`, of one tier or (null) of all. */
export interface UniverseQuery {
  readonly asOfMs: EpochMs;
  readonly tier: Tier | null;
  readonly after: string;
  readonly limit: number;
}

/** The active symbols as they were known at a time, by symbol. */
export async function readUniverseAsOf(
  sql: SqlClient,
  { asOfMs, tier, after, limit }: UniverseQuery,
): Promise<KnownSecurity[]> {
  const { rows } = await sql.query({
    text: `select symbol, sid, name, exchange, type, tier, figi, first_seen::text, renamed_from, version, as_of
      from (
        select distinct on (symbol) * from universe_versions
        where as_of <= $1::timestamptz and symbol > $3
        order by symbol, version desc
      ) known
      where active and ($2::text is null or tier = $2::text) order by symbol limit $4::integer`,
    params: [toIso(asOfMs), tier, after, limit],
  });
  return rows.map((row) => securityRow.parse(row));
}

const changeRow = z
  .object({
    version: z.number().int(),
    as_of: instantMs,
    trading_date: z.string(),
    symbol: z.string(),
    kinds: z.array(z.enum(CHANGE_KINDS)),
    sid: z.number().int(),
    active: z.boolean(),
    name: z.string(),
    tier: z.enum(TIERS),
    figi: z.string().nullable(),
    renamed_from: z.string().nullable(),
    tier_before: z.enum(TIERS).nullable(),
    name_before: z.string().nullable(),
    figi_before: z.string().nullable(),
  })
  .transform((row) => ({
    version: row.version,
    asOfMs: row.as_of,
    date: row.trading_date,
    symbol: row.symbol,
    kinds: row.kinds,
    sid: row.sid,
    active: row.active,
    name: row.name,
    tier: row.tier,
    figi: row.figi,
    renamedFrom: row.renamed_from,
    tierBefore: row.tier_before,
    nameBefore: row.name_before,
    figiBefore: row.figi_before,
  }));
/** A change of a symbol in a version. What a change did not touch has no `…Before`. */
export type KnownChange = z.output<typeof changeRow>;

/** Changes known at `asOfMs` after a version, or after a symbol of the same one; of one symbol or (null) of all. */
export interface ChangesQuery {
  readonly asOfMs: EpochMs;
  readonly symbol: string | null;
  readonly after: { readonly version: number; readonly symbol: string };
  readonly limit: number;
}

/** The changes of the universe, by version and symbol. */
export async function readUniverseChanges(
  sql: SqlClient,
  { asOfMs, symbol, after, limit }: ChangesQuery,
): Promise<KnownChange[]> {
  const { rows } = await sql.query({
    text: `select c.version, c.as_of, v.trading_date::text, c.symbol, c.kinds, c.sid, c.active, c.name, c.tier,
        c.figi, c.renamed_from, c.tier_before, c.name_before, c.figi_before
      from universe_versions c join universe_refreshes v on v.version = c.version
      where c.as_of <= $1::timestamptz and ($2::text is null or c.symbol = $2::text)
        and (c.version, c.symbol) > ($3::integer, $4::text)
      order by c.version, c.symbol limit $5::integer`,
    params: [toIso(asOfMs), symbol, after.version, after.symbol, limit],
  });
  return rows.map((row) => changeRow.parse(row));
}
