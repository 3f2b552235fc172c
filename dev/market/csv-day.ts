import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { hashUnit } from "./hash.ts";
import type { MarketBar } from "./market.ts";
import { pricesAt } from "./price-path.ts";
import type { QuotedName } from "./quote-book.ts";
import type { SessionMinutes } from "./session-minutes.ts";

/** The bars of one symbol in a file, by the START of their minute. */
export type Series = ReadonlyMap<EpochMs, MarketBar>;

/** 20 sessions before a file's date lie in so many days, holidays included. */
const MADE_UP_DAYS = 40;
/** Standard move of a made-up session's log price, spread over the path's octaves. */
const DAY_SIGMA = 0.002;
/** Auctions and odd lots: what a real day has beyond its minutes. */
const BEYOND_MINUTES = 0.09;
const MINUTE_SIGMA = 0.000_5;
const TRADES_A_MINUTE = 60;
const MINUTES_A_DAY = 1_440;
const SALT = { close: 71, volume: 72 };

function dollars(price: number): number {
  return Math.max(1, Math.round(price * 100)) / 100;
}

/** The official bar of a date that the file has: close and volume are not those of the minutes. */
function replayedDay(bars: readonly MarketBar[], seed: number, day: number): MarketBar | undefined {
  const first = bars[0];
  const last = bars.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const h = dollars(Math.max(...bars.map((bar) => bar.h)));
  const l = Math.min(h, dollars(Math.min(...bars.map((bar) => bar.l))));
  const inRange = (price: number) => Math.min(h, Math.max(l, dollars(price)));
  const minutesVolume = bars.reduce((sum, bar) => sum + bar.v, 0);
  const drift = 1 + 0.001 * (hashUnit(seed, day, SALT.close) - 0.5);
  const v = Math.round(minutesVolume * (1 + BEYOND_MINUTES)) + 1;
  return { o: inRange(first.o), h, l, c: inRange(last.c * drift), v };
}

/** A session before the file begins, made up from its first day, so that a replay has a history. */
function madeUpDay(after: MarketBar, seed: number, day: number, daysBefore: number): MarketBar {
  const path = pricesAt(seed, DAY_SIGMA, day);
  // The path runs into the price that the file begins with.
  const base = after.o / pricesAt(seed, DAY_SIGMA, day + daysBefore).open;
  const o = dollars(base * path.open);
  const c = dollars(base * path.close);
  const room = 1 + DAY_SIGMA * (1 + (daysBefore % 3));
  const v = Math.round(after.v * (0.7 + 0.6 * hashUnit(seed, day, SALT.volume))) + 1;
  return { o, h: dollars(Math.max(o, c) * room), l: dollars(Math.min(o, c) / room), c, v };
}

function barsOn(series: Series, date: TradingDate): readonly MarketBar[] {
  const fromMs = newYorkMs(date, 0);
  const toMs = newYorkMs(date, MINUTES_A_DAY);
  return [...series]
    .filter(([ts]) => ts >= fromMs && ts < toMs)
    .sort(([a], [b]) => a - b)
    .map(([, bar]) => bar);
}

/**
 * The daily bar of a session: from the file where it has the date, made up for the 40 days before a
 * date of the file, else none. `dates` are those of the file, ascending.
 */
export function csvDailyBar(
  symbol: string,
  series: Series,
  dates: readonly TradingDate[],
  date: TradingDate,
): MarketBar | undefined {
  const seed = fnv1a32(symbol);
  const day = parseTradingDate(date);
  const next = dates.find((known) => known >= date);
  if (next === undefined) return undefined;
  const daysBefore = parseTradingDate(next) - day;
  const replayed = replayedDay(barsOn(series, next), seed, parseTradingDate(next));
  if (replayed === undefined || daysBefore === 0) return replayed;
  return daysBefore <= MADE_UP_DAYS ? madeUpDay(replayed, seed, day, daysBefore) : undefined;
}

/** What the quotes of a replayed symbol are made around: the last close before, else the next open. */
export function csvQuotedName(symbol: string, series: Series): QuotedName {
  return {
    seed: fnv1a32(symbol),
    sigma: MINUTE_SIGMA,
    tradesAMinute: TRADES_A_MINUTE,
    mid: (session: SessionMinutes, minute) => {
      const at = session.openMs + Math.floor(minute) * MINUTE_MS;
      // The running minute's close is not known yet.
      for (let ts = at - MINUTE_MS; ts >= session.openMs; ts -= MINUTE_MS) {
        const bar = series.get(ts);
        if (bar !== undefined) return bar.c;
      }
      for (let ts = at; ts < session.openMs + DAY_MS / 4; ts += MINUTE_MS) {
        const bar = series.get(ts);
        if (bar !== undefined) return bar.o;
      }
      return undefined;
    },
  };
}
