import type { Bar } from "../domain/bar.ts";
import type { TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";

/** Why a row was not taken; the label of `rows_refused_total`. */
export const REFUSAL_REASONS = [
  "foreign_symbol",
  "not_finite",
  "misaligned",
  "out_of_window",
  "price_not_positive",
  "high_below_low",
  "volume_negative",
  "duplicate",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** What was asked for: symbols, and the window `[startMs, endMs)` of bar STARTs. */
export interface AskedBars extends TimeRange {
  readonly symbols: ReadonlySet<string>;
  /** What every START is a multiple of, ms: a minute unless given; a day for daily bars. */
  readonly alignMs?: number;
}

/** The rows that may be believed, in order of arrival, and the refused ones. */
export interface ValidatedBars {
  readonly bars: Bar[];
  readonly refused: { readonly reason: RefusalReason; readonly bar: Bar }[];
}

/**
 * Judges rows one by one: a bad row is refused with the first reason in the order of
 * `REFUSAL_REASONS`, the others stand. Of valid rows for the same symbol and START the LAST is kept:
 * providers re-send a corrected bar after the first one. A volume of 0 with a price range is a bar.
 * The vwap is not held to [low, high]: it lies outside in 5-10 % of real bars (polygon issues 47, 82).
 * The calendar is not looked at.
 */
export function validateBars(rows: readonly Bar[], asked: AskedBars): ValidatedBars {
  const refused: ValidatedBars["refused"] = [];
  const valid: Bar[] = [];
  for (const bar of rows) {
    const reason = refusalOf(bar, asked);
    if (reason === null) valid.push(bar);
    else refused.push({ reason, bar });
  }
  const lastPlace = new Map<string, number>();
  for (const [place, bar] of valid.entries()) lastPlace.set(`${bar.symbol} ${bar.ts}`, place);
  const bars: Bar[] = [];
  for (const [place, bar] of valid.entries()) {
    if (lastPlace.get(`${bar.symbol} ${bar.ts}`) === place) bars.push(bar);
    else refused.push({ reason: "duplicate", bar });
  }
  return { bars, refused };
}

function refusalOf(bar: Bar, asked: AskedBars): RefusalReason | null {
  const { ts, open, high, low, close, volume, vwap, tradeCount } = bar;
  if (!asked.symbols.has(bar.symbol)) return "foreign_symbol";
  const numbers = [ts, open, high, low, close, volume, vwap ?? 0, tradeCount ?? 0];
  if (!numbers.every(Number.isFinite)) return "not_finite";
  if (ts % (asked.alignMs ?? MINUTE_MS) !== 0) return "misaligned";
  if (ts < asked.startMs || ts >= asked.endMs) return "out_of_window";
  if (Math.min(open, high, low, close) <= 0) return "price_not_positive";
  if (low > Math.min(open, close) || high < Math.max(open, close)) return "high_below_low";
  if (volume < 0) return "volume_negative";
  return null;
}
