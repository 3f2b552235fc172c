import { z } from "zod";
import type { Tier } from "../domain/tier.ts";
import type { SqlClient } from "./sql-client.ts";

const row = z.object({ symbol: z.string() });

/** The active symbols of a tier, at most `limit` of them, by sid: the longest known ones first. */
export async function loadTierSymbols(
  sql: SqlClient,
  tier: Tier,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql.query({
    text: "select symbol from symbol_universe where tier = $1 and active order by sid limit $2::integer",
    params: [tier, limit],
  });
  return rows.map((found) => row.parse(found).symbol);
}
