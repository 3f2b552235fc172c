import type { Source } from "./belief.ts";
import type { TradingSession } from "./calendar.ts";
import type { Feed, ProviderId } from "./provider-id.ts";
import type { Tier } from "./tier.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/** Trading rates are kept for each half hour of a session: the open and the lunch lull differ. */
export const RATE_SPAN_MS = 30 * MINUTE_MS;

/** A minute whose members expect fewer bars than this together cannot be judged. */
const MIN_JUDGED_BARS = 3;
/** A plausible minute brings at least this share of the bars that its members' rates expect. */
const MIN_SHARE = 0.5;
/** Weight of one minute in a rate: a half hour of two sessions has turned it over. */
const LEARNING = 1 / 60;
/** What a symbol is expected to trade before its own rate is known. */
const FIRST_RATE: Readonly<Record<Tier, number>> = { T0: 0.8, T1: 0.3, T2: 0 };

/** Rates of the symbols of a job, in its order, from an instant on: bars a minute, 0 to 1. */
export interface RateSpan {
  readonly fromMs: EpochMs;
  readonly rates: readonly number[];
}

/** Which half hour of its session a regular minute lies in, from 0. */
export function rateSpanOf(ts: EpochMs, session: TradingSession): number {
  return Math.floor((ts - session.openMs) / RATE_SPAN_MS);
}

/** The rate of a symbol of this tier of which nothing is known yet. */
export function firstRate(tier: Tier): number {
  return FIRST_RATE[tier];
}

/** A rate after one more minute that is settled: exponentially weighted, in [0, 1]. */
export function learnRate(rate: number, traded: boolean): number {
  return rate + LEARNING * ((traded ? 1 : 0) - rate);
}

/**
 * Whether `bars` of a minute may be all there was, of symbols that trade `expected` bars a minute
 * together. A provider that answers 200 with nothing, or with half the market, is not believed about
 * what it left out. Few symbols cannot judge: they are believed, the overlap and the settle pass look
 * again.
 */
export function isPlausible(bars: number, expected: number): boolean {
  return expected < MIN_JUDGED_BARS || bars >= MIN_SHARE * expected;
}

/** Witnesses trade so much more than is asked for, since they too may pause for a minute. */
const WITNESS_MARGIN = 1.25;

/** How often a symbol trades at least and at most in the half hours of a fetch. */
export interface RateRange {
  readonly symbol: string;
  readonly least: number;
  readonly most: number;
}

/** The rates of symbols over all spans of a fetch, in their order; none at all where nothing is known. */
export function rateRanges(symbols: readonly string[], spans: readonly RateSpan[]): RateRange[] {
  return symbols.map((symbol, index) => {
    const rates = spans.map((span) => span.rates[index] ?? 0);
    return {
      symbol,
      least: rates.length === 0 ? 0 : Math.min(...rates),
      most: Math.max(0, ...rates),
    };
  });
}

/**
 * Symbols to ask beside those that a repair is about, the busiest first. What was left out before is
 * no fair sample: without symbols that surely trade, an honest answer about quiet ones would look like
 * an empty one, and an empty answer about few could not be told from an honest one. They suffice in each
 * half hour of the fetch, since each minute is judged by its own.
 */
export function witnessesFor(asked: readonly RateRange[], others: readonly RateRange[]): string[] {
  const expected = asked.reduce((sum, { most }) => sum + most, 0);
  const wanted = WITNESS_MARGIN * Math.max(MIN_JUDGED_BARS, expected);
  const witnesses: string[] = [];
  let sum = 0;
  for (const { symbol, least } of others.toSorted((a, b) => b.least - a.least)) {
    if (sum >= wanted || least === 0) break;
    witnesses.push(symbol);
    sum += least;
  }
  return witnesses;
}

/** Whether symbols trade so much together, in each half hour of a fetch, that an answer can be judged by them. */
export function canJudge(symbols: readonly RateRange[]): boolean {
  return symbols.reduce((sum, { least }) => sum + least, 0) >= MIN_JUDGED_BARS;
}

/** An answer to be judged: who was covered over which minutes, and who had a bar when. */
export interface JudgedAnswer {
  readonly symbols: readonly string[];
  readonly spans: readonly RateSpan[];
  readonly covered: readonly {
    readonly symbols: readonly string[];
    readonly startMs: EpochMs;
    readonly endMs: EpochMs;
  }[];
  readonly bars: readonly { readonly symbol: string; readonly ts: EpochMs }[];
  readonly isExpectedMinute: (ts: EpochMs) => boolean;
}

/** The covered minutes of an answer whose absences are not to be believed, oldest first. */
export function implausibleMinutes(answer: JudgedAnswer): EpochMs[] {
  const rates = new Map(answer.symbols.map((symbol, index) => [symbol, index]));
  const expected = new Map<EpochMs, number>();
  for (const part of answer.covered) {
    for (const span of answer.spans) {
      const sum = part.symbols.reduce(
        (total, symbol) => total + (span.rates[rates.get(symbol) ?? -1] ?? 0),
        0,
      );
      const fromMs = Math.max(part.startMs, span.fromMs);
      const untilMs = Math.min(part.endMs, span.fromMs + RATE_SPAN_MS);
      for (let ts = fromMs; ts < untilMs; ts += MINUTE_MS) {
        if (answer.isExpectedMinute(ts)) expected.set(ts, (expected.get(ts) ?? 0) + sum);
      }
    }
  }
  const bars = coveredBars(answer);
  return [...expected]
    .filter(([ts, sum]) => !isPlausible(bars.get(ts) ?? 0, sum))
    .map(([ts]) => ts)
    .toSorted((a, b) => a - b);
}

/** Bars by minute, of covered symbols only: those of a symbol that was cut off are nobody's share. */
function coveredBars({ covered, bars }: JudgedAnswer): Map<EpochMs, number> {
  const bySymbol = Map.groupBy(bars, ({ symbol }) => symbol);
  const counts = new Map<EpochMs, number>();
  for (const { symbols, startMs, endMs } of covered) {
    for (const symbol of symbols) {
      for (const { ts } of bySymbol.get(symbol) ?? []) {
        if (ts >= startMs && ts < endMs) counts.set(ts, (counts.get(ts) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/** An implausible answer about a minute: who gave it, and how many bars it brought all the same. */
export interface PoorAnswer {
  readonly source: Source;
  readonly bars: number;
}

/** Feeds of the whole market; any other sees a part of it, and is poor on an ordinary day. */
const CONSOLIDATED: ReadonlySet<Feed> = new Set(["sip", "delayed_sip"]);

/**
 * Whether two poor answers about a minute bear each other out. Those of one host may share a fault.
 * A feed that sees a part of the market bears out that nothing traded only when it saw nothing.
 */
export function agree(one: PoorAnswer, other: PoorAnswer): boolean {
  if (hostOf(one.source.provider) === hostOf(other.source.provider)) return false;
  return [one, other].every(({ source, bars }) => bars === 0 || CONSOLIDATED.has(source.feed));
}

/** Who runs the host of a provider: iex is read from Alpaca's. */
function hostOf(provider: ProviderId): ProviderId {
  return provider === "iex" ? "alpaca" : provider;
}
