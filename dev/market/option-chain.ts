import { DAY_MS } from "../../src/domain/time.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { civilDateOf, formatTradingDate } from "../../src/domain/trading-date.ts";
import { hash32, hashUnit } from "./hash.ts";
import { createSessionLookup } from "./session-minutes.ts";

/** An option of a made-up chain. Volume is of the day; a strike far out may not have traded on it. */
export interface MarketOption {
  readonly kind: "call" | "put";
  readonly expiry: string;
  readonly strike: number;
  readonly volume: number;
  readonly openInterest: number;
  readonly iv: number;
  readonly delta: number;
}

const WEEKS = 10;
const FRIDAY = 5;
/** Strikes from 20 % below to 20 % above the price. */
const STRIKES_A_SIDE = 8;
const STRIKE_STEP = 0.025;
const YEAR_DAYS = 365;
const MIN_IV = 0.12;
const IV_SPREAD = 0.25;
/** The smile: puts below the price are dearer than calls above it, as equity options are. */
const TILT = 0.6;
const CURVE = 1.2;

const SALT = { iv: 91, volume: 92, openInterest: 93 };
const sessionOn = createSessionLookup();

/**
 * The options of a symbol on a day (since the epoch) at a price, by expiry, side and strike: Friday expiries of
 * ten weeks (Thursday where Friday is closed). Pure: the same for the same symbol, day and price.
 */
export function optionChainOf(symbol: string, day: number, price: number): MarketOption[] {
  const seed = fnv1a32(symbol);
  const atm = MIN_IV + IV_SPREAD * hashUnit(seed, day, SALT.iv);
  return expiriesFrom(day).flatMap((expiryDay) =>
    (["call", "put"] as const).flatMap((kind) =>
      strikesAround(price).map((strike, place): MarketOption => {
        const at = expiryDay * 100 + place * 2 + (kind === "put" ? 1 : 0);
        const moneyness = Math.log(strike / price);
        const iv = atm * (1 - TILT * moneyness + CURVE * moneyness * moneyness);
        const years = (expiryDay - day + 1) / YEAR_DAYS;
        const callDelta = normalShare(
          (-moneyness + (iv * iv * years) / 2) / (iv * Math.sqrt(years)),
        );
        const interest = 1 - Math.min(1, Math.abs(moneyness) * 4);
        return {
          kind,
          expiry: formatTradingDate(expiryDay),
          strike,
          volume: Math.floor(5_000 * interest * hashUnit(seed, at + day, SALT.volume)),
          openInterest: 100 + (hash32(seed, at, SALT.openInterest) % 20_000),
          iv,
          delta: kind === "call" ? callDelta : callDelta - 1,
        };
      }),
    ),
  );
}

function expiriesFrom(day: number): number[] {
  const friday = day + ((FRIDAY - civilDateOf(day).weekday + 7) % 7);
  return Array.from({ length: WEEKS }, (_, week) => friday + week * 7).map((one) =>
    sessionOn(one * DAY_MS) === undefined ? one - 1 : one,
  );
}

function strikesAround(price: number): number[] {
  return Array.from({ length: 2 * STRIKES_A_SIDE + 1 }, (_, place) => {
    const strike = price * (1 + (place - STRIKES_A_SIDE) * STRIKE_STEP);
    return Math.max(0.01, Math.round(strike * 100) / 100);
  });
}

/**
 * Share of a normal distribution below `x`, to 7 digits: Abramowitz and Stegun, Handbook of Mathematical
 * Functions, 26.2.17.
 */
function normalShare(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(x));
  const sum =
    t *
    (0.319_381_53 +
      t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  const above = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
  return x >= 0 ? 1 - above : above;
}
