import { fnv1a32 } from "../../src/domain/symbol.ts";
import { hash32, hashUnit } from "./hash.ts";

const BUSIEST_SHARES_A_DAY = 60_000_000;
const QUIETEST_SHARES_A_DAY = 400;
/** The closing cross prints for names that trade at least so much. */
const AUCTION_MIN_SHARES_A_DAY = 500_000;

/** Shares of an average trade. */
export const SHARES_A_TRADE = 90;
/** Minutes of a full session: what the price path counts by, early closes included. */
export const REGULAR_MINUTES = 390;

const SALT = { price: 1, sigma: 2 };

/** What makes one security's tape: all that varies comes from `seed`, by hash. */
export interface Instrument {
  readonly seed: number;
  /** US dollars. */
  readonly basePrice: number;
  /** Standard move of the log price in one minute. */
  readonly sigma: number;
  readonly sharesADay: number;
}

/** The security of a rank (0 is the busiest) among `count`. */
export function createInstrument(
  symbol: string,
  rank: number,
  count: number,
  seed: number,
): Instrument {
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

/** Whether its exchange crosses it at the close. */
export function hasClosingAuction(own: Instrument): boolean {
  return own.sharesADay >= AUCTION_MIN_SHARES_A_DAY;
}
