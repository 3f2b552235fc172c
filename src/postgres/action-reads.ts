import { z } from "zod";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

const actionRow = z
  .object({
    symbol: z.string(),
    ex_date: z.string(),
    kind: z.literal("split"),
    factor: z.number(),
    split_from: z.number(),
    split_to: z.number(),
    cancelled: z.boolean(),
    source: z.string(),
    revision: z.number().int(),
    as_of: instantMs,
  })
  .transform(({ as_of: asOfMs, ...row }) => ({ ...row, asOfMs }));

/** A corporate action as it was known; `cancelled`: its source had withdrawn it by then. */
export type KnownAction = z.output<typeof actionRow>;

/** Which corporate actions are read, and the row behind which the page begins. */
export interface ActionQuery {
  /** Null: of every symbol. */
  readonly symbols: readonly string[] | null;
  readonly from: TradingDate;
  /** Included. */
  readonly through: TradingDate;
  readonly asOfMs: EpochMs;
  readonly cancelled: boolean;
  readonly after: { readonly symbol: string; readonly exDate: TradingDate };
  readonly limit: number;
}

const FIELDS =
  "symbol, ex_date, kind, factor, split_from, split_to, cancelled, source, revision, as_of";
const ASKED = `($1::text[] is null or symbol = any($1::text[]))
  and ex_date between $2::date and $3::date and as_of <= $4::timestamptz
  and (symbol, ex_date) > ($6::text collate "C", $7::date)`;

/** Corporate actions as they were known at a time, by symbol and ex-date. */
export async function readActions(sql: SqlClient, query: ActionQuery): Promise<KnownAction[]> {
  const { symbols, from, through, asOfMs, cancelled, after, limit } = query;
  const { rows } = await sql.query({
    text: `select symbol, ex_date::text as ex_date, kind, factor, split_from, split_to, cancelled, source,
        revision, as_of
      from (
        select distinct on (symbol, ex_date, kind) ${FIELDS} from (
          select ${FIELDS} from corporate_actions where ${ASKED}
          union all
          select ${FIELDS} from corporate_actions_revisions where ${ASKED}
        ) told order by symbol, ex_date, kind, as_of desc
      ) known where $5::boolean or not cancelled
      order by symbol, ex_date, kind limit $8::integer`,
    params: [symbols, from, through, toIso(asOfMs), cancelled, after.symbol, after.exDate, limit],
  });
  return rows.map((row) => actionRow.parse(row));
}
