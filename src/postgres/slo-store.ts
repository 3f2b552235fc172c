import { z } from "zod";
import type { PlaceRange } from "../domain/sample-plan.ts";
import type { DueMinutes } from "../domain/slo.ts";
import { hasMinuteBars, type Tier, TIERS } from "../domain/tier.ts";
import { toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { DAYS_SQL, MINUTES_SQL } from "./slo-statement.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

/** Violating symbols that one reading names at most, by tier and interval. */
export const MAX_NAMED_SYMBOLS = 20;

const readingRow = z
  .object({
    tier: z.enum(TIERS),
    interval: z.enum(["1m", "1d"]),
    listed: z.number().int(),
    symbols: z.number().int(),
    violating: z.number().int(),
    complete_before: instantMs.nullable(),
    named: z.array(z.object({ symbol: z.string(), oldest_ms: z.number() })).nullable(),
  })
  .transform(({ complete_before: completeBeforeMs, named, ...row }) => ({
    ...row,
    completeBeforeMs,
    named: (named ?? []).map(({ symbol, oldest_ms: oldestMs }) => ({ symbol, oldestMs })),
  }));

/**
 * What Postgres holds of a tier and interval:
 * - `listed`: active symbols of the tier; `symbols`: those looked at that are owed bars;
 * - `violating`: those of them that lack one that is due;
 * - `completeBeforeMs`: 99 % of them are complete before, the newest such instant (1m; else null);
 * - `named`: violating symbols with the `ts` of the oldest bar that they lack, oldest first.
 */
export type SloReading = z.output<typeof readingRow>;

/** Places of a tier, whose active symbols are ordered by sid. */
export interface TierPlaces extends PlaceRange {
  readonly tier: Tier;
}

/** What must be stored by now. */
export interface DueBars {
  readonly minutes: DueMinutes;
  /** Trading date whose daily bars are due. */
  readonly day: TradingDate;
}

/** Every symbol of every tier. */
export const ALL_PLACES: readonly TierPlaces[] = TIERS.map((tier) => ({
  tier,
  from: 0,
  to: 2 ** 31 - 1,
}));

/**
 * What is due and lacking of the symbols at these places, by tier and interval: one statement an
 * interval. A level at which nothing is owed is left out.
 */
export async function readSlo(
  sql: SqlClient,
  { minutes, day }: DueBars,
  places: readonly TierPlaces[],
): Promise<SloReading[]> {
  const minutePlaces = places.filter(({ tier }) => hasMinuteBars(tier));
  const range = [toIso(minutes.startMs), toIso(minutes.endMs)];
  const answers = await Promise.all([
    sql.query({ text: MINUTES_SQL, params: [...placeParams(minutePlaces), ...range] }),
    sql.query({ text: DAYS_SQL, params: [...placeParams(places), day] }),
  ]);
  return answers.flatMap(({ rows }) => rows.map((row) => readingRow.parse(row)));
}

function placeParams(places: readonly TierPlaces[]) {
  return [
    places.map(({ tier }) => tier),
    places.map(({ from }) => from),
    places.map(({ to }) => to),
    MAX_NAMED_SYMBOLS,
  ];
}
