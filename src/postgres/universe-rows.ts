import { z } from "zod";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { TIERS } from "../domain/tier.ts";
import type { UniverseChange } from "../domain/universe-change.ts";
import type { UniverseRow } from "../domain/universe-row.ts";

/** Columns of `symbol_universe` that a row is read from; dates as text, so that no time zone touches them. */
export const UNIVERSE_COLUMNS = `symbol, sid, name, exchange, type, tier, active, figi, figi_source, source,
  first_seen::text, last_seen::text, reused_on::text, renamed_from, median_dollar_volume, absences, absent_on::text`;

const storedRow = z.object({
  symbol: z.string(),
  sid: z.number().int().nonnegative(),
  name: z.string(),
  exchange: z.string(),
  type: z.string(),
  tier: z.enum(TIERS),
  active: z.boolean(),
  figi: z.string().nullable(),
  figi_source: z.enum(PROVIDER_IDS).nullable(),
  source: z.enum(PROVIDER_IDS),
  first_seen: z.string(),
  last_seen: z.string(),
  reused_on: z.string().nullable(),
  renamed_from: z.string().nullable(),
  median_dollar_volume: z.number().nullable(),
  absences: z.number().int(),
  absent_on: z.string().nullable(),
});

/** A stored symbol. */
export const universeRow = storedRow.transform(
  ({
    figi_source: figiSource,
    first_seen: firstSeen,
    last_seen: lastSeen,
    reused_on: reusedOn,
    renamed_from: renamedFrom,
    median_dollar_volume: volume,
    absent_on: absentOn,
    ...row
  }): UniverseRow => ({
    ...row,
    figiSource,
    firstSeen,
    lastSeen,
    reusedOn,
    renamedFrom,
    volume,
    absentOn,
  }),
);

/** A row as `jsonb_to_recordset` reads it. */
export function toStored(row: UniverseRow, group: number): object {
  const { figiSource, firstSeen, lastSeen, reusedOn, renamedFrom, volume, absentOn, ...same } = row;
  return {
    ...same,
    group,
    figi_source: figiSource,
    first_seen: firstSeen,
    last_seen: lastSeen,
    reused_on: reusedOn,
    renamed_from: renamedFrom,
    median_dollar_volume: volume,
    absent_on: absentOn,
  };
}

/** What `universe_versions` keeps of a change beside the stored row. */
export function toStoredChange({ symbol, kinds, before }: UniverseChange): object {
  return {
    symbol,
    kinds,
    tier_before: kinds.includes("tier") ? (before?.tier ?? null) : null,
    name_before: kinds.includes("name") ? (before?.name ?? null) : null,
    figi_before: before?.figi ?? null,
  };
}
