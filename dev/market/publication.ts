import { fnv1a32 } from "../../src/domain/symbol.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { createDailyPublication } from "./daily-publication.ts";
import type { DailyPublication } from "./daily-publication.ts";
import { hash32, hashUnit } from "./hash.ts";
import type { Market, MarketBar, Publication } from "./market.ts";

/** When the tape's bars become known, and which of them were first known wrong. */
export interface PublicationOptions {
  readonly seed: number;
  /** Share of bars that appear 31 to 90 s after their minute's end instead of 1 s. */
  readonly lateRate: number;
  /** Share of bars that are first served with another close and volume. */
  readonly correctedRate: number;
}

/** A market as it becomes visible: a pure function of (seed, symbol, minute), as the market is. */
export interface PublicationSchedule extends DailyPublication {
  /** Every version of a bar, first seen first; empty when nothing traded. */
  publications(symbol: string, ts: EpochMs): readonly Publication[];
  /** The version that is known at `nowMs`; undefined before the first. */
  visible(symbol: string, ts: EpochMs, nowMs: EpochMs): MarketBar | undefined;
}

/** Real providers serve a minute about a second after its end. */
const PROMPT_MS = SECOND_MS;
const LATE_MIN_MS = 31 * SECOND_MS;
const LATE_MAX_MS = 90 * SECOND_MS;
/**
 * A minute and more after the latest appearance, so that who asks every minute always sees the first
 * value first; Polygon re-sends for 15 min.
 */
const CORRECTED_MIN_MS = LATE_MAX_MS + MINUTE_MS + SECOND_MS;
const CORRECTED_MAX_MS = 15 * MINUTE_MS;

const SALT = { late: 21, lateBy: 22, corrected: 23, correctedBy: 24, close: 25, volume: 26 };

function between(min: number, max: number, unit: number): number {
  return min + Math.floor(unit * (max - min + 1));
}

/**
 * What was believed before the correction: the close at an end of the range that it is not at (a flat
 * bar gets a cent more room), and 3 to 20 % of the volume still missing. Close and volume both differ.
 */
function firstBelief(truth: MarketBar, stream: number, minute: number): MarketBar {
  const room = truth.h > truth.l ? truth.h : Math.round((truth.h + 0.01) * 10_000) / 10_000;
  const isUp =
    truth.c === truth.l || (truth.c !== room && hash32(stream, minute, SALT.close) % 2 === 0);
  const share = 0.8 + 0.17 * hashUnit(stream, minute, SALT.volume);
  const volume = Math.floor(truth.v * share);
  return {
    ...truth,
    h: isUp ? room : truth.h,
    c: isUp ? room : truth.l,
    v: volume === truth.v ? truth.v + 1 : volume,
    ...(truth.n === undefined ? {} : { n: Math.max(1, Math.floor(truth.n * share)) }),
  };
}

/** Delays and corrections of a market's bars. Rates are shares in [0, 1]. */
export function createPublication(
  market: Market,
  options: PublicationOptions,
): PublicationSchedule {
  for (const [name, rate] of [
    ["lateRate", options.lateRate],
    ["correctedRate", options.correctedRate],
  ] as const) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`${name} must be in [0, 1], not ${rate}`);
  }
  // FNV of a symbol on each call would cost more than the rest; the universe is fixed and bounded.
  const streams = new Map(
    market.symbols.map(({ symbol }) => [symbol, hash32(options.seed, fnv1a32(symbol), 20)]),
  );

  function firstVisibleAt(stream: number, ts: EpochMs): EpochMs {
    const minute = ts / MINUTE_MS;
    const isLate = hashUnit(stream, minute, SALT.late) < options.lateRate;
    const delayMs = isLate
      ? between(LATE_MIN_MS, LATE_MAX_MS, hashUnit(stream, minute, SALT.lateBy))
      : PROMPT_MS;
    return ts + MINUTE_MS + delayMs;
  }

  function correctedAt(stream: number, ts: EpochMs): EpochMs | undefined {
    const minute = ts / MINUTE_MS;
    if (hashUnit(stream, minute, SALT.corrected) >= options.correctedRate) return undefined;
    const unit = hashUnit(stream, minute, SALT.correctedBy);
    return ts + MINUTE_MS + between(CORRECTED_MIN_MS, CORRECTED_MAX_MS, unit);
  }

  return {
    ...createDailyPublication(market, options),
    publications: (symbol, ts) => {
      const stream = streams.get(symbol);
      const truth = stream === undefined ? undefined : market.bar(symbol, ts);
      if (stream === undefined || truth === undefined) return [];
      const visibleAtMs = firstVisibleAt(stream, ts);
      const correctedAtMs = correctedAt(stream, ts);
      if (correctedAtMs === undefined) return [{ visibleAtMs, bar: truth }];
      return [
        { visibleAtMs, bar: firstBelief(truth, stream, ts / MINUTE_MS) },
        { visibleAtMs: correctedAtMs, bar: truth },
      ];
    },
    visible: (symbol, ts, nowMs) => {
      if (nowMs < ts + MINUTE_MS + PROMPT_MS) return undefined;
      const stream = streams.get(symbol);
      const truth = stream === undefined ? undefined : market.bar(symbol, ts);
      if (stream === undefined || truth === undefined) return undefined;
      if (nowMs >= ts + MINUTE_MS + CORRECTED_MAX_MS) return truth;
      if (nowMs < firstVisibleAt(stream, ts)) return undefined;
      const correctedAtMs = correctedAt(stream, ts);
      const isYetWrong = correctedAtMs !== undefined && nowMs < correctedAtMs;
      return isYetWrong ? firstBelief(truth, stream, ts / MINUTE_MS) : truth;
    },
  };
}
