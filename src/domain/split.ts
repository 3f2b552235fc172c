import type { TradingDate } from "./trading-date.ts";
import { isTradingDate } from "./trading-date.ts";

/**
 * A split: from the open of `exDate` on, `to` new shares stand for each `from` old ones (both above 0,
 * not always whole).
 */
export interface Split {
  readonly symbol: string;
  readonly exDate: TradingDate;
  readonly from: number;
  readonly to: number;
}

/** Dates of a request, both included. */
export interface DateRange {
  readonly from: TradingDate;
  readonly through: TradingDate;
}

/** New shares for an old one: 4 for a four-for-one split, 0.1 for a one-for-ten reverse split. */
export function splitFactor({ from, to }: Pick<Split, "from" | "to">): number {
  return to / from;
}

/** Beyond one for a hundred thousand it is a mistake: the largest reverse splits are one for some thousands. */
const MAX_RATIO = 100_000;

/** The splits of an answer that can be believed, and how many others there were, by reason. */
export interface CheckedSplits {
  readonly splits: readonly Split[];
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Refuses what is no split of the asked dates: `out_of_window`, `bad_ratio` (not two positive numbers, or
 * one share for one), and `conflict` for two ratios of a symbol and date, of which nobody knows the true
 * one. The same row twice counts once.
 */
export function checkSplits(rows: readonly Split[], window: DateRange): CheckedSplits {
  const refused: Record<string, number> = {};
  const refuse = (reason: string) => {
    refused[reason] = (refused[reason] ?? 0) + 1;
  };
  const byKey = new Map<string, Split>();
  const conflicts = new Set<string>();
  for (const split of rows) {
    const fault = faultOf(split, window);
    if (fault !== null) {
      refuse(fault);
      continue;
    }
    const key = splitKey(split);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, split);
    else if (splitFactor(known) !== splitFactor(split)) conflicts.add(key);
  }
  for (const key of conflicts) {
    byKey.delete(key);
    refuse("conflict");
  }
  return { splits: [...byKey.values()], refused };
}

/** What names a split among others. */
export function splitKey({ symbol, exDate }: Pick<Split, "symbol" | "exDate">): string {
  return `${symbol} ${exDate}`;
}

function faultOf(split: Split, { from, through }: DateRange): string | null {
  const { exDate } = split;
  if (!isTradingDate(exDate) || exDate < from || exDate > through) return "out_of_window";
  const ratio = splitFactor(split);
  const isRatio = split.from > 0 && split.to > 0 && ratio <= MAX_RATIO && ratio >= 1 / MAX_RATIO;
  return isRatio && ratio !== 1 ? null : "bad_ratio";
}
