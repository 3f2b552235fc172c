import { z } from "zod";
import { MIN_VOLUME_BARS } from "../domain/tier-places.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient } from "./sql-client.ts";

const volumeRow = z.object({ symbol: z.string(), volume: z.number() });

/**
 * Median dollar volumes (close times shares) of the daily bars from `fromDate` on, of symbols with at
 * least five; the bars of a security that had the symbol before are left out.
 */
export async function readMedianVolumes(
  sql: SqlClient,
  fromDate: TradingDate,
): Promise<Map<string, number>> {
  const { rows } = await sql.query({
    text: `select d.symbol, percentile_cont(0.5) within group (order by d.close * d.volume) as volume
      from candles_daily d join symbol_universe u on u.symbol = d.symbol
      where d.trading_date >= greatest($1::date, u.reused_on)
      group by d.symbol having count(*) >= $2::integer`,
    params: [fromDate, MIN_VOLUME_BARS],
  });
  return new Map(rows.map((row) => volumeRow.parse(row)).map((row) => [row.symbol, row.volume]));
}

/** Whether the volume of any symbol was ever known: tiers have been placed by it. */
export async function hasPlacedTiers(sql: SqlClient): Promise<boolean> {
  const { rows } = await sql.query({
    text: `select exists (select from symbol_universe where active and median_dollar_volume is not null) as known`,
    params: [],
  });
  return z.object({ known: z.boolean() }).parse(rows[0]).known;
}
