import { z } from "zod";
import type { SqlClient } from "./sql-client.ts";

const symbolRow = z.object({ symbol: z.string() });

/** More than the US market has listed at any time; the list only grows by what is listed anew. */
export const MAX_LISTED_SYMBOLS = 20_000;

/**
 * Every symbol that is or was served, of a group or (null) of all, in byte order: those that have left, too, because
 * their bars stay. `fromSymbol` is the first that may come.
 */
export async function listSymbols(
  sql: SqlClient,
  group: number | null,
  fromSymbol: string,
): Promise<string[]> {
  const { rows } = await sql.query({
    text: `select symbol from symbol_universe
      where ($1::smallint is null or "group" = $1::smallint) and symbol >= $2 order by symbol limit $3::integer`,
    params: [group, fromSymbol, MAX_LISTED_SYMBOLS],
  });
  return rows.map((row) => symbolRow.parse(row).symbol);
}
