import { createCalendar } from "../../src/domain/calendar.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { hash32, hashUnit } from "./hash.ts";
import type { Market, MarketBar, Publication } from "./market.ts";

/** Providers serve a day from here on; before, the real ones serve a running bar, which nobody wants. */
const FIRST_AFTER_CLOSE_MS = 15 * MINUTE_MS;
/** Real days keep changing for hours: the last trades of the evening are in a little after its end. */
const CORRECTED_AFTER_POST_MS = 10 * MINUTE_MS;
const SALT = { corrected: 31, volume: 32 };

/** Daily bars as they become visible. */
export interface DailyPublication {
  /** Every version of a daily bar, first seen first; empty when nothing traded. */
  dailyPublications(symbol: string, date: TradingDate): readonly Publication[];
  /** The version that is known at `nowMs`; undefined before the first. */
  visibleDaily(symbol: string, date: TradingDate, nowMs: EpochMs): MarketBar | undefined;
}

/** Before the late trades: 0.5 to 3 % of the volume is missing and the close is the low of the day. */
function firstBelief(truth: MarketBar, unit: number): MarketBar {
  const volume = Math.floor(truth.v * (0.97 + 0.025 * unit));
  return { ...truth, c: truth.l, v: volume === truth.v ? truth.v + 1 : volume };
}

/** Days from the close + 15 min; a share of them (`correctedRate`) changes at post close + 10 min. */
export function createDailyPublication(
  market: Market,
  options: { readonly seed: number; readonly correctedRate: number },
): DailyPublication {
  const calendar = createCalendar();

  function dailyPublications(symbol: string, date: TradingDate): readonly Publication[] {
    const session = calendar.session(date);
    const truth = session === undefined ? undefined : market.dailyBar(symbol, date);
    if (session === undefined || truth === undefined) return [];
    const visibleAtMs = session.closeMs + FIRST_AFTER_CLOSE_MS;
    const stream = hash32(options.seed, fnv1a32(symbol), SALT.corrected);
    const day = parseTradingDate(date);
    if (hashUnit(stream, day, SALT.corrected) >= options.correctedRate) {
      return [{ visibleAtMs, bar: truth }];
    }
    const before = firstBelief(truth, hashUnit(stream, day, SALT.volume));
    const correctedAtMs = session.postCloseMs + CORRECTED_AFTER_POST_MS;
    return [
      { visibleAtMs, bar: before },
      { visibleAtMs: correctedAtMs, bar: truth },
    ];
  }

  return {
    dailyPublications,
    visibleDaily: (symbol, date, nowMs) =>
      dailyPublications(symbol, date).findLast(({ visibleAtMs }) => visibleAtMs <= nowMs)?.bar,
  };
}
