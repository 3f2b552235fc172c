import { z } from "zod";
import { TIERS, type Tier } from "../domain/tier.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

const pinRow = z.object({ symbol: z.string(), tier: z.enum(TIERS) });

/** The pinned tiers by symbol. */
export async function readPins(sql: SqlClient): Promise<Map<string, Tier>> {
  const { rows } = await sql.query({
    text: "select symbol, tier from universe_override order by symbol",
    params: [],
  });
  return new Map(rows.map((row) => pinRow.parse(row)).map(({ symbol, tier }) => [symbol, tier]));
}

/** The tiers of these symbols, active or not; one that was never listed is left out. */
export async function readTiers(
  sql: SqlClient,
  symbols: readonly string[],
): Promise<Map<string, Tier>> {
  const { rows } = await sql.query({
    text: "select symbol, tier from symbol_universe where symbol = any($1::text[])",
    params: [symbols],
  });
  return new Map(rows.map((row) => pinRow.parse(row)).map(({ symbol, tier }) => [symbol, tier]));
}

/** Which of these symbols were never listed. */
export async function unknownSymbols(
  sql: SqlClient,
  symbols: readonly string[],
): Promise<string[]> {
  const { rows } = await sql.query({
    text: `select symbol from unnest($1::text[]) as asked (symbol)
      where not exists (select from symbol_universe known where known.symbol = asked.symbol) order by symbol`,
    params: [symbols],
  });
  return rows.map((row) => z.object({ symbol: z.string() }).parse(row).symbol);
}

/** Replaces all pins by these, in one transaction. Rejects for a symbol that was never listed. */
export async function writePins(
  sql: SqlClient,
  pins: ReadonlyMap<string, Tier>,
  nowMs: EpochMs,
): Promise<void> {
  const symbols = [...pins.keys()];
  await sql.transaction([
    {
      text: "delete from universe_override where not symbol = any($1::text[])",
      params: [symbols],
    },
    {
      text: `insert into universe_override as known (symbol, tier, set_at)
        select symbol, tier, $3::timestamptz from unnest($1::text[], $2::text[]) as pin (symbol, tier)
        on conflict (symbol) do update set tier = excluded.tier, set_at = excluded.set_at
        where known.tier <> excluded.tier`,
      params: [symbols, [...pins.values()], toIso(nowMs)],
    },
  ]);
}
