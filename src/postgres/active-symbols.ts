import { z } from "zod";
import type { SqlClient } from "./sql-client.ts";

/** More symbols than the whole US market has are not a universe. */
const MAX_ACTIVE_SYMBOLS = 40_000;

const rowSchema = z.object({ symbol: z.string(), group: z.number().int() });

/** The active symbols of the whole universe by their home group. Throws a RangeError beyond the bound. */
export async function loadActiveSymbols(sql: SqlClient): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql.query({
    text: `select symbol, "group" from symbol_universe where active order by symbol limit $1::integer`,
    params: [MAX_ACTIVE_SYMBOLS + 1],
  });
  if (rows.length > MAX_ACTIVE_SYMBOLS) throw new RangeError("the universe has too many symbols");
  return new Map(
    rows.map((row) => rowSchema.parse(row)).map(({ symbol, group }) => [symbol, group]),
  );
}
