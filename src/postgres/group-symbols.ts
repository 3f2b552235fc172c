import { z } from "zod";
import { MAX_READ_SYMBOLS } from "./bars-store.ts";
import type { SqlClient } from "./sql-client.ts";

const symbolRow = z.object({ symbol: z.string() });

/**
 * Every symbol that a group is home of or ever was, also those that left the universe: their bars stay, and are
 * revised. Throws a RangeError beyond `MAX_READ_SYMBOLS`.
 */
export async function readGroupSymbols(sql: SqlClient, group: number): Promise<string[]> {
  const { rows } = await sql.query({
    text: `select symbol from symbol_universe where "group" = $1::smallint order by symbol limit $2::integer`,
    params: [group, MAX_READ_SYMBOLS + 1],
  });
  if (rows.length > MAX_READ_SYMBOLS) throw new RangeError("the group has too many symbols");
  return rows.map((row) => symbolRow.parse(row).symbol);
}
