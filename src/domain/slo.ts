import type { Calendar } from "./calendar.ts";
import { lastDueDate } from "./last-due-date.ts";
import type { Tier } from "./tier.ts";
import type { EpochMs, TimeRange } from "./time.ts";
import { floorToMinute, MINUTE_MS } from "./time.ts";
import type { TradingDate } from "./trading-date.ts";
import { firstExpectedMinute } from "./watermark.ts";

/** Intervals whose bars are promised, and the tiers that they are promised for. */
export const SLO_LEVELS = [
  { tier: "T0", interval: "1m" },
  { tier: "T1", interval: "1m" },
  { tier: "T0", interval: "1d" },
  { tier: "T1", interval: "1d" },
  { tier: "T2", interval: "1d" },
] as const satisfies readonly { readonly tier: Tier; readonly interval: "1m" | "1d" }[];

/** Two intervals after its END, settle delay and plan delay added, a minute is owed. */
const GRACE_MS = 2 * MINUTE_MS;
/** 20:15 New York: the evening's daily bars are in. */
const DAY_DUE_MINUTE = 20 * 60 + 15;

/** From the END of a minute until its absence violates, ms; `settleDelayMs` without the plan's delay. */
export function minuteGraceMs(settleDelayMs: number, planDelayMs: number): number {
  return GRACE_MS + settleDelayMs + planDelayMs;
}

/** Regular minutes of one session that must be complete by now, `[startMs, endMs)`; never empty. */
export interface DueMinutes extends TimeRange {
  readonly date: TradingDate;
}

/**
 * The minutes of the current session that ended at least `graceMs` ago. Before the first of them has,
 * the last session counts, which is then whole unless a plan serves it only the next morning.
 */
export function dueMinutes(calendar: Calendar, nowMs: EpochMs, graceMs: number): DueMinutes {
  const boundMs = floorToMinute(nowMs - graceMs);
  const { date, openMs, closeMs } = calendar.previousSession(boundMs - MINUTE_MS);
  return { date, startMs: openMs, endMs: Math.min(boundMs, closeMs) };
}

/** The last date whose daily bar must be stored by now: at 20:15 New York of the second session after it. */
export function dueDate(calendar: Calendar, nowMs: EpochMs): TradingDate {
  const { date } = lastDueDate(calendar, nowMs, DAY_DUE_MINUTE);
  const second = calendar.session(date);
  if (second === undefined) throw new RangeError(`${date} is no trading date`);
  const first = calendar.previousSession(second.openMs - 1);
  return calendar.previousSession(first.openMs - 1).date;
}

/** The START of the first expected minute that is not complete: the lag counts from there, once it has begun. */
export function lagsSince(calendar: Calendar, completeBeforeMs: EpochMs): EpochMs {
  return firstExpectedMinute(calendar, completeBeforeMs);
}

/**
 * How far behind a tier is whose minutes are complete before `completeBeforeMs`, ms: the time since the
 * first of the others began. 0 when none of them has begun, as while the market is closed.
 */
export function lagMs(calendar: Calendar, completeBeforeMs: EpochMs, nowMs: EpochMs): number {
  return Math.max(0, nowMs - lagsSince(calendar, completeBeforeMs));
}

/** Symbols that were looked at, and how many of them violate. */
export interface SloCount {
  readonly symbols: number;
  readonly violating: number;
}

/** The share that violates; null when nothing was looked at, which is no success. */
export function violationRate({ symbols, violating }: SloCount): number | null {
  return symbols === 0 ? null : violating / symbols;
}

/** How much of what a trading date may violate has been used up. */
export interface ErrorBudget {
  /** Rates that were known. */
  readonly samples: number;
  readonly meanRate: number;
  /** Share of the samples whose rate was above the target. */
  readonly overTarget: number;
  /** Mean rate over target: 1 is all that is allowed. Null when nothing is allowed and something violated. */
  readonly spent: number | null;
}

/** The budget of these rates; null when none of them is known. */
export function errorBudget(rates: readonly (number | null)[], target: number): ErrorBudget | null {
  const known = rates.filter((rate) => rate !== null);
  if (known.length === 0) return null;
  const meanRate = known.reduce((sum, rate) => sum + rate, 0) / known.length;
  return {
    samples: known.length,
    meanRate,
    overTarget: known.filter((rate) => rate > target).length / known.length,
    spent: meanRate === 0 ? 0 : target === 0 ? null : meanRate / target,
  };
}
