import { z } from "zod";
import { groupOf } from "../../../src/domain/symbol.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import { streamName } from "../../../src/stream/token.ts";
import type { Database } from "../../database/database.ts";
import type { OwedRows } from "./owed.ts";
import type { RowBook } from "./row-book.ts";

/** All beliefs of a symbol's minutes in the order of their knowledge; a row a symbol, so that a day fits. */
const BELIEFS_SQL = `select symbol, json_agg(json_build_array(ts, revision, as_of) order by as_of, ts) as rows
  from (
    select symbol, revision, (extract(epoch from ts) * 1000)::bigint as ts,
      (extract(epoch from as_of) * 1000)::bigint as as_of
    from (
      select symbol, ts, revision, as_of from candles_intraday where interval = '1m' and ts >= $1
      union all
      select symbol, ts, revision, as_of from candles_revisions where interval = '1m' and ts >= $1
    ) beliefs
  ) numbers
  group by symbol`;

const rowSchema = z.object({
  symbol: z.string(),
  rows: z.array(z.tuple([z.number(), z.number(), z.number()])),
});

/** What Postgres says that flushes carried of minutes from `fromMs` on, by stream and symbol. */
export async function readOwed(
  database: Database,
  fromMs: EpochMs,
  book: RowBook,
  symbolGroups: number,
): Promise<Map<string, Map<string, OwedRows>>> {
  const owed = new Map<string, Map<string, OwedRows>>();
  for (const row of await database.query(BELIEFS_SQL, [new Date(fromMs).toISOString()])) {
    const { symbol, rows } = rowSchema.parse(row);
    const ids: number[] = [];
    const asOfMs: EpochMs[] = [];
    for (const [ts, revision, asOf] of rows) {
      const id = book.idOf({ symbol, ts, revision });
      if (id === null) continue;
      ids.push(id);
      asOfMs.push(asOf);
    }
    const stream = streamName({ group: groupOf(symbol, symbolGroups), class: "bars" });
    const bySymbol = owed.get(stream) ?? new Map<string, OwedRows>();
    bySymbol.set(symbol, { symbol, ids, asOfMs });
    owed.set(stream, bySymbol);
  }
  return owed;
}
