import { z } from "zod";
import { MAX_GROUP_MEMBERS } from "../domain/roster.ts";
import { TIERS } from "../domain/tier.ts";
import type { SqlClient } from "./sql-client.ts";

const memberRow = z
  .object({
    symbol: z.string(),
    sid: z.number().int().nonnegative(),
    tier: z.enum(TIERS),
    reused_on: z.string().nullable(),
  })
  .transform(({ reused_on: reusedOn, ...row }) => ({ ...row, reusedOn }));

/**
 * A symbol that a group serves, with its permanent number; `reusedOn` is the trading date on which it
 * was last given to another security.
 */
export type GroupMember = z.output<typeof memberRow>;

/** The active symbols whose home is `group`, by sid. Throws when there are more than the bound. */
export async function loadGroupMembers(sql: SqlClient, group: number): Promise<GroupMember[]> {
  const { rows } = await sql.query({
    text: `select symbol, sid, tier, reused_on::text from symbol_universe
      where "group" = $1::smallint and active order by sid limit $2::integer`,
    params: [group, MAX_GROUP_MEMBERS + 1],
  });
  if (rows.length > MAX_GROUP_MEMBERS) throw new RangeError(`group ${group} has too many members`);
  return rows.map((row) => memberRow.parse(row));
}
