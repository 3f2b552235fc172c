import { fnv1a32 } from "../../src/domain/symbol.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { hash32, hashUnit } from "./hash.ts";
import { listSymbols } from "./listed-symbols.ts";
import type { Market, MarketBar } from "./market.ts";
import { pricesAt } from "./price-path.ts";
import { createSessionLookup } from "./session-minutes.ts";
import type { SessionMinutes } from "./session-minutes.ts";
import { volumeProfile } from "./volume-profile.ts";

/** 12,000 fits the US list; 8,000 is what DESIGN asks a stack to carry. */
export const DEFAULT_SYMBOLS = 8_000;

const BUSIEST_SHARES_A_DAY = 60_000_000;
const QUIETEST_SHARES_A_DAY = 400;
const SHARES_A_TRADE = 90;
const REGULAR_MINUTES = 390;
/** Above so many expected trades a minute without one does not happen. */
const ALWAYS_TRADES = 12;
/** The closing cross prints for names that trade at least so much; 8 % of the day's volume. */
const AUCTION_MIN_SHARES_A_DAY = 500_000;
const AUCTION_SHARE = 0.08;
/** Share of symbol-sessions with a halt, and how long it is (LULD pauses are 5 minutes and more). */
const HALT_RATE = 0.003;
const HALT_MIN_MINUTES = 5;
const HALT_MAX_MINUTES = 60;

const SALT = {
  price: 1,
  sigma: 2,
  trades: 3,
  volume: 4,
  high: 5,
  low: 6,
  halt: 7,
  haltStart: 8,
  haltLength: 9,
  vwap: 10,
};

/** What makes one security's tape: all that varies comes from `seed`, by hash. */
interface Instrument {
  readonly seed: number;
  readonly basePrice: number;
  /** Standard move of the log price in one minute. */
  readonly sigma: number;
  readonly sharesADay: number;
}

function createInstrument(symbol: string, rank: number, count: number, seed: number): Instrument {
  const own = hash32(seed, fnv1a32(symbol), 0);
  const depth = count > 1 ? rank / (count - 1) : 0;
  return {
    seed: own,
    // Log-uniform: 20 to 600 dollars for the busiest, 3 to 90 for the quietest.
    basePrice: 20 * 30 ** hashUnit(own, 0, SALT.price) * 0.15 ** depth,
    sigma: 0.000_4 + 0.000_8 * depth * hashUnit(own, 0, SALT.sigma),
    sharesADay: BUSIEST_SHARES_A_DAY * (QUIETEST_SHARES_A_DAY / BUSIEST_SHARES_A_DAY) ** depth,
  };
}

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
  if (own.sharesADay < AUCTION_MIN_SHARES_A_DAY || isHalted(own, session, session.length - 1))
    return undefined;
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
 * names. Only regular minutes otherwise. Prices in whole cents, volume in whole shares.
 */
export function createSyntheticMarket(options: {
  readonly seed: number;
  readonly symbols?: number;
}): Market {
  const symbols = listSymbols(options.symbols ?? DEFAULT_SYMBOLS);
  const instruments = new Map(
    symbols.map(({ symbol }, rank) => [
      symbol,
      createInstrument(symbol, rank, symbols.length, options.seed),
    ]),
  );
  const sessionOn = createSessionLookup();
  return {
    symbols,
    bar: (symbol, ts) => {
      const session = sessionOn(ts);
      if (session === undefined) return undefined;
      const minute = (ts - session.openMs) / MINUTE_MS;
      if (minute < 0 || minute > session.length || !Number.isInteger(minute)) return undefined;
      const own = instruments.get(symbol);
      if (own === undefined) return undefined;
      return minute === session.length
        ? auctionBar(own, session)
        : regularBar(own, session, minute);
    },
  };
}
