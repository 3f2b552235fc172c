import { z } from "zod";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

const metricsRow = z
  .object({
    underlying: z.string(),
    date: z.string(),
    put_call_volume: z.number().nullable(),
    put_call_open_interest: z.number().nullable(),
    atm_iv: z.number().nullable(),
    skew: z.number().nullable(),
    skew_method: z.enum(["delta_25", "moneyness_95_105"]).nullable(),
    expiry: z.string().nullable(),
    underlying_price: z.number().nullable(),
    contracts: z.number().int(),
    source: z.string(),
    revision: z.number().int(),
    as_of: instantMs,
  })
  .transform(({ as_of: asOfMs, ...row }) => ({ ...row, asOfMs }));

/** What the options of an underlying said on a trading date, as it was known. */
export type KnownMetrics = z.output<typeof metricsRow>;

/** Which metrics are read, and those behind which the page begins. */
export interface MetricsQuery {
  /** Null: every underlying. */
  readonly underlying: string | null;
  readonly from: TradingDate;
  /** Included. */
  readonly through: TradingDate;
  readonly asOfMs: EpochMs;
  readonly after: { readonly underlying: string; readonly date: TradingDate };
  readonly limit: number;
}

const VALUES = `put_call_volume, put_call_open_interest, atm_iv, skew, skew_method, expiry, underlying_price,
  contracts, source, revision, as_of`;
const ASKED = `($1::text is null or underlying = $1) and as_of <= $4::timestamptz
  and ts between ($2::date::timestamp at time zone 'UTC') and ($3::date::timestamp at time zone 'UTC')
  and (underlying, ts) > ($5::text collate "C", $6::date::timestamp at time zone 'UTC')`;

/** Metrics as they were known at a time, by underlying and date. */
export async function readOptions(sql: SqlClient, query: MetricsQuery): Promise<KnownMetrics[]> {
  const { underlying, from, through, asOfMs, after, limit } = query;
  const { rows } = await sql.query({
    text: `select underlying, (ts at time zone 'UTC')::date::text as date, put_call_volume,
        put_call_open_interest, atm_iv, skew, skew_method, expiry::text as expiry, underlying_price,
        contracts, source, revision, as_of
      from (
        select distinct on (underlying, ts) underlying, ts, ${VALUES} from (
          select underlying, ts, ${VALUES} from options_metrics where ${ASKED}
          union all
          select underlying, ts, ${VALUES} from options_metrics_revisions where ${ASKED}
        ) told order by underlying, ts, as_of desc
      ) known order by underlying, ts limit $7::integer`,
    params: [underlying, from, through, toIso(asOfMs), after.underlying, after.date, limit],
  });
  return rows.map((row) => metricsRow.parse(row));
}
