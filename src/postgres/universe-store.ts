import { z } from "zod";
import { MAX_GROUP_MEMBERS } from "../domain/roster.ts";
import type { SqlClient } from "./sql-client.ts";

const memberRow = z.object({
  symbol: z.string(),
  sid: z.number().int().nonnegative(),
  tier: z.enum(["T0", "T1", "T2"]),
});

/** A symbol that a group serves, with its permanent number. */
export type GroupMember = z.infer<typeof memberRow>;

/** The active symbols whose home is `group`, by sid. Throws when there are more than the bound. */
export async function loadGroupMembers(sql: SqlClient, group: number): Promise<GroupMember[]> {
  const { rows } = await sql.query({
    text: `select symbol, sid, tier from symbol_universe
      where "group" = $1::smallint and active order by sid limit $2::integer`,
    params: [group, MAX_GROUP_MEMBERS + 1],
  });
  if (rows.length > MAX_GROUP_MEMBERS) throw new RangeError(`group ${group} has too many members`);
  return rows.map((row) => memberRow.parse(row));
}
