import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import { hash32, hashUnit } from "./hash.ts";
import {
  createInstrument,
  hasClosingAuction,
  REGULAR_MINUTES,
  SHARES_A_TRADE,
} from "./instrument.ts";
import type { Instrument } from "./instrument.ts";
import { listSymbols } from "./listed-symbols.ts";
import type { Market, MarketBar } from "./market.ts";
import { pricesAt } from "./price-path.ts";
import { createQuoteBook } from "./quote-book.ts";
import { createSessionLookup } from "./session-minutes.ts";
import type { SessionMinutes } from "./session-minutes.ts";
import { createSplitSchedule } from "./split-schedule.ts";
import { dailyBarOf, quotedNameOf } from "./synthetic-day.ts";
import { volumeProfile } from "./volume-profile.ts";

/** 12,000 fits the US list; 8,000 is what DESIGN asks a stack to carry. */
export const DEFAULT_SYMBOLS = 8_000;

/** Above so many expected trades a minute without one does not happen. */
const ALWAYS_TRADES = 12;
/** Of a day's volume. */
const AUCTION_SHARE = 0.08;
/** Share of symbol-sessions with a halt, and how long it is (LULD pauses are 5 minutes and more). */
const HALT_RATE = 0.003;
const HALT_MIN_MINUTES = 5;
const HALT_MAX_MINUTES = 60;

const SALT = {
  trades: 3,
  volume: 4,
  high: 5,
  low: 6,
  halt: 7,
  haltStart: 8,
  haltLength: 9,
  vwap: 10,
};

function isHalted(own: Instrument, session: SessionMinutes, minute: number): boolean {
  if (hashUnit(own.seed, session.dayNumber, SALT.halt) >= HALT_RATE) return false;
  const start = hash32(own.seed, session.dayNumber, SALT.haltStart) % session.length;
  const span = HALT_MAX_MINUTES - HALT_MIN_MINUTES + 1;
  const length = HALT_MIN_MINUTES + (hash32(own.seed, session.dayNumber, SALT.haltLength) % span);
  return minute >= start && minute < start + length;
}

function regularBar(
  own: Instrument,
  session: SessionMinutes,
  minute: number,
): MarketBar | undefined {
  const at = session.dayNumber * REGULAR_MINUTES + minute;
  const weight = volumeProfile(session.length)[minute] ?? 1;
  const expectedShares = (own.sharesADay / REGULAR_MINUTES) * weight;
  const expectedTrades = expectedShares / SHARES_A_TRADE;
  let tradedShare = 1;
  if (expectedTrades < ALWAYS_TRADES) {
    tradedShare = 1 - Math.exp(-expectedTrades);
    if (hashUnit(own.seed, at, SALT.trades) >= tradedShare) return undefined;
  }
  if (isHalted(own, session, minute)) return undefined;

  // Whole cents from here on, so that low <= open, close <= high can't fail by rounding.
  const path = pricesAt(own.seed, own.sigma, at);
  const open = Math.max(1, Math.round(own.basePrice * path.open * 100));
  const close = Math.max(1, Math.round(own.basePrice * path.close * 100));
  const wiggle = open * own.sigma * 1.5;
  const high = Math.max(open, close) + Math.floor(wiggle * hashUnit(own.seed, at, SALT.high) + 0.3);
  const low = Math.max(
    1,
    Math.min(open, close) - Math.floor(wiggle * hashUnit(own.seed, at, SALT.low) + 0.3),
  );
  const noise = 0.4 + 1.2 * hashUnit(own.seed, at, SALT.volume);
  const volume = Math.max(1, Math.round((expectedShares / tradedShare) * noise));
  const trades = Math.max(1, Math.round(volume / SHARES_A_TRADE));
  const lean = 0.25 + 0.5 * hashUnit(own.seed, at, SALT.vwap);
  const vwap = Math.round((low + (high - low) * lean) * 100) / 10_000;
  return {
    o: open / 100,
    h: high / 100,
    l: low / 100,
    c: close / 100,
    v: volume,
    vw: vwap,
    n: trades,
  };
}

/** One print at the close minute, at the price the session ended with. */
function auctionBar(own: Instrument, session: SessionMinutes): MarketBar | undefined {
  if (!hasClosingAuction(own) || isHalted(own, session, session.length - 1)) return undefined;
  const at = session.dayNumber * REGULAR_MINUTES + session.length;
  const price =
    Math.max(1, Math.round(own.basePrice * pricesAt(own.seed, own.sigma, at).open * 100)) / 100;
  const noise = 0.6 + 0.8 * hashUnit(own.seed, at, SALT.volume);
  const volume = Math.round(own.sharesADay * AUCTION_SHARE * noise);
  const trades = Math.max(1, Math.round(volume / (SHARES_A_TRADE * 20)));
  return { o: price, h: price, l: price, c: price, v: volume, vw: price, n: trades };
}

/**
 * A made-up US market: `symbols` (default 8,000) securities ranked from very liquid to hardly traded.
 * Every bar is a pure function of (seed, symbol, minute): an opening burst, a lunch lull, a rise into
 * the close, halts, minutes without a trade, and a closing-auction bar at the close minute for liquid
 * names. Some names split: from that day on price and volume are those of the new shares. Only regular
 * minutes otherwise. Prices in whole cents, volume in whole shares. Daily bars have
 * their own function: they are near the minutes, not their sum.
 */
export function createSyntheticMarket(options: {
  readonly seed: number;
  readonly symbols?: number;
}): Market {
  const symbols = listSymbols(options.symbols ?? DEFAULT_SYMBOLS);
  const sessionOn = createSessionLookup();
  const quotes = createQuoteBook(sessionOn);
  const instruments = new Map(
    symbols.map(({ symbol }, rank) => {
      const own = createInstrument(symbol, rank, symbols.length, options.seed);
      return [symbol, { own, ...createSplitSchedule(symbol, own, sessionOn) }];
    }),
  );

  function barOf(own: Instrument, session: SessionMinutes, minute: number): MarketBar | undefined {
    return minute === session.length ? auctionBar(own, session) : regularBar(own, session, minute);
  }

  return {
    symbols,
    splits: [...instruments.values()]
      .flatMap(({ splits }) => splits)
      .toSorted((a, b) => (a.exDate < b.exDate ? -1 : 1)),
    bar: (symbol, ts) => {
      const session = sessionOn(ts);
      if (session === undefined) return undefined;
      const minute = (ts - session.openMs) / MINUTE_MS;
      if (minute < 0 || minute > session.length || !Number.isInteger(minute)) return undefined;
      const own = instruments.get(symbol)?.on(session.dayNumber);
      return own === undefined ? undefined : barOf(own, session, minute);
    },
    dailyBar: (symbol, date) => {
      // Any session of a date lies on the UTC day of the same name.
      const session = sessionOn(parseTradingDate(date) * DAY_MS);
      const own = session && instruments.get(symbol)?.on(session.dayNumber);
      if (own === undefined || session === undefined) return undefined;
      return dailyBarOf(own, session, (minute) => barOf(own, session, minute));
    },
    quote: (symbol, atMs) => {
      const known = instruments.get(symbol);
      return known === undefined ? undefined : quotes(quotedNameOf(known.own, known.on), atMs);
    },
  };
}
