import { hashUnit } from "./hash.ts";
import { hasClosingAuction, REGULAR_MINUTES, SHARES_A_TRADE } from "./instrument.ts";
import type { Instrument } from "./instrument.ts";
import type { MarketBar } from "./market.ts";
import { pricesAt } from "./price-path.ts";
import type { QuotedName } from "./quote-book.ts";
import type { SessionMinutes } from "./session-minutes.ts";

/** The path is looked at so often for high and low; each minute would cost ten times as much. */
const SAMPLE_MINUTES = 10;
const SALT = { open: 51, close: 52, high: 53, low: 54, volume: 55, vwap: 56 };

/** US dollars at a time of the session, between the minute's ends. */
function priceAt(own: Instrument, session: SessionMinutes, minute: number): number {
  const whole = Math.floor(minute);
  const path = pricesAt(own.seed, own.sigma, session.dayNumber * REGULAR_MINUTES + whole);
  return own.basePrice * (path.open + (path.close - path.open) * (minute - whole));
}

function cents(dollars: number): number {
  return Math.max(1, Math.round(dollars * 100));
}

/** What the quotes of a synthetic security are made around; `on` gives it on the shares of a day. */
export function quotedNameOf(own: Instrument, on: (day: number) => Instrument): QuotedName {
  return {
    seed: own.seed,
    sigma: own.sigma,
    tradesAMinute: own.sharesADay / SHARES_A_TRADE / REGULAR_MINUTES,
    mid: (session, minute) => priceAt(on(session.dayNumber), session, minute),
  };
}

/**
 * The official bar of a session: its own open, close and volume with the auctions and the trades that
 * no minute counts, as real daily bars differ from the sum of their minutes. It exists when any minute
 * has a bar. `minuteBar` gives the bar of a minute of this session.
 */
export function dailyBarOf(
  own: Instrument,
  session: SessionMinutes,
  minuteBar: (minute: number) => MarketBar | undefined,
): MarketBar | undefined {
  let hasTraded = false;
  for (let minute = 0; minute <= session.length && !hasTraded; minute += 1) {
    hasTraded = minuteBar(minute) !== undefined;
  }
  if (!hasTraded) return undefined;
  const day = session.dayNumber;
  const jitter = (salt: number) => 1 + own.sigma * (hashUnit(own.seed, day, salt) - 0.5);
  const open = cents(priceAt(own, session, 0) * jitter(SALT.open));
  const auction = hasClosingAuction(own) ? minuteBar(session.length) : undefined;
  const close =
    auction === undefined
      ? cents(priceAt(own, session, session.length) * jitter(SALT.close))
      : cents(auction.c);
  let high = Math.max(open, close);
  let low = Math.min(open, close);
  for (let minute = SAMPLE_MINUTES; minute < session.length; minute += SAMPLE_MINUTES) {
    const price = cents(priceAt(own, session, minute));
    high = Math.max(high, price);
    low = Math.min(low, price);
  }
  const room = open * own.sigma * 3;
  high += Math.round(room * hashUnit(own.seed, day, SALT.high));
  low = Math.max(1, low - Math.round(room * hashUnit(own.seed, day, SALT.low)));
  const traded = own.sharesADay * (0.75 + 0.6 * hashUnit(own.seed, day, SALT.volume));
  const v = Math.max(1, Math.round(traded)) + (auction?.v ?? 0);
  const lean = 0.3 + 0.4 * hashUnit(own.seed, day, SALT.vwap);
  const vw = Math.round((low + (high - low) * lean) * 100) / 10_000;
  const n = Math.max(1, Math.round(v / SHARES_A_TRADE));
  return { o: open / 100, h: high / 100, l: low / 100, c: close / 100, v, vw, n };
}
