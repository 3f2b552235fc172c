import { z } from "zod";
import { MACRO_FACTORS, type MacroFactorName } from "../domain/macro.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

const factorRow = z
  .object({
    factor: z.enum(MACRO_FACTORS),
    date: z.string(),
    value: z.number(),
    sample: z.number().int(),
    detail: z.record(z.string(), z.union([z.number(), z.string()])),
    revision: z.number().int(),
    as_of: instantMs,
  })
  .transform(({ as_of: asOfMs, ...row }) => ({ ...row, asOfMs }));

/** A factor's value on a trading date as it was known. */
export type KnownFactor = z.output<typeof factorRow>;

/** Which values are read, and the one behind which the page begins. */
export interface FactorQuery {
  /** Null: every factor. */
  readonly factor: MacroFactorName | null;
  readonly from: TradingDate;
  /** Included. */
  readonly through: TradingDate;
  readonly asOfMs: EpochMs;
  readonly after: { readonly factor: string; readonly date: TradingDate };
  readonly limit: number;
}

const FIELDS = "factor, ts, value, sample, detail, revision, as_of";
const ASKED = `($1::text is null or factor = $1) and as_of <= $4::timestamptz
  and ts between ($2::date::timestamp at time zone 'UTC') and ($3::date::timestamp at time zone 'UTC')
  and (factor, ts) > ($5::text collate "C", $6::date::timestamp at time zone 'UTC')`;

/** Factors as they were known at a time, by factor and date. */
export async function readFactors(sql: SqlClient, query: FactorQuery): Promise<KnownFactor[]> {
  const { factor, from, through, asOfMs, after, limit } = query;
  const { rows } = await sql.query({
    text: `select factor, (ts at time zone 'UTC')::date::text as date, value, sample, detail, revision, as_of
      from (
        select distinct on (factor, ts) ${FIELDS} from (
          select ${FIELDS} from macro_factors where ${ASKED}
          union all
          select ${FIELDS} from macro_factors_revisions where ${ASKED}
        ) told order by factor, ts, as_of desc
      ) known order by factor, ts limit $7::integer`,
    params: [factor, from, through, toIso(asOfMs), after.factor, after.date, limit],
  });
  return rows.map((row) => factorRow.parse(row));
}
