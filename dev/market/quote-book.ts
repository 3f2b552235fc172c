import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { hash32, hashUnit } from "./hash.ts";
import type { MarketQuote } from "./market.ts";
import type { SessionMinutes } from "./session-minutes.ts";

/** What a quote is made around. */
export interface QuotedName {
  readonly seed: number;
  /** Standard move of the log price in one minute: what the spread follows. */
  readonly sigma: number;
  readonly tradesAMinute: number;
  /** US dollars at a time of the session in minutes (with fractions, 0 to its length); undefined: unknown. */
  mid(session: SessionMinutes, minute: number): number | undefined;
}

/** The longest time without a session is four days and a weekend; more is another market. */
const MAX_DAYS_BACK = 10;
/** Quoting from 04:00 New York, five and a half hours before the open, to four hours after the close. */
const PRE_MS = 5.5 * HOUR_MS;
const POST_MS = 4 * HOUR_MS;
const SLOWEST_UPDATE_MS = 5 * MINUTE_MS;
const QUOTES_A_TRADE = 4;
/** Outside regular hours: how much wider, and the share of moments with a side missing. */
const WIDER = 8;
const ONE_SIDED_RATE = 0.3;
const LOT = 100;

const SALT = { spread: 61, bidSize: 62, askSize: 63, isOneSided: 64, side: 65 };

type SessionLookup = (ts: EpochMs) => SessionMinutes | undefined;

/** The session that is quoting at an instant, or was the last to do so. */
function lastQuotedSession(sessionOn: SessionLookup, atMs: EpochMs): SessionMinutes | undefined {
  for (let back = 0; back <= MAX_DAYS_BACK; back += 1) {
    const session = sessionOn(atMs - back * DAY_MS);
    if (session !== undefined && atMs >= session.openMs - PRE_MS) return session;
  }
  return undefined;
}

/** Liquid names are re-quoted each second, thin ones every few minutes. */
function updateMsOf(name: QuotedName): number {
  const intervalMs = MINUTE_MS / (name.tradesAMinute * QUOTES_A_TRADE);
  const seconds = Math.round(intervalMs / SECOND_MS);
  return Math.min(SLOWEST_UPDATE_MS, Math.max(1, seconds) * SECOND_MS);
}

function quoteAround(name: QuotedName, midDollars: number, at: EpochMs, isRegular: boolean) {
  const second = at / SECOND_MS;
  const width = isRegular ? 1 : WIDER;
  const midCents = Math.max(2, midDollars * 100);
  const half = midCents * name.sigma * width * (0.2 + hashUnit(name.seed, second, SALT.spread));
  const bid = Math.max(1, Math.floor(midCents - half));
  const ask = Math.max(bid + 1, Math.ceil(midCents + half));
  const isOneSided = !isRegular && hashUnit(name.seed, second, SALT.isOneSided) < ONE_SIDED_RATE;
  // 0: no bid, 1: no ask, 2: neither.
  const side = isOneSided ? hash32(name.seed, second, SALT.side) % 3 : undefined;
  const hasBid = side === undefined || side === 1;
  const hasAsk = side === undefined || side === 0;
  return {
    at,
    bid: hasBid ? bid / 100 : 0,
    ask: hasAsk ? ask / 100 : 0,
    bidSize: hasBid ? LOT * (1 + (hash32(name.seed, second, SALT.bidSize) % 20)) : 0,
    askSize: hasAsk ? LOT * (1 + (hash32(name.seed, second, SALT.askSize) % 20)) : 0,
  };
}

/**
 * Quotes as a pure function of (name, instant): tight and two-sided in regular hours, wide and often
 * one-sided before and after, and between sessions the last of the evening, which is then stale.
 */
export function createQuoteBook(
  sessionOn: SessionLookup,
): (name: QuotedName, atMs: EpochMs) => MarketQuote | undefined {
  return (name, atMs) => {
    const session = lastQuotedSession(sessionOn, atMs);
    if (session === undefined) return undefined;
    const beginMs = session.openMs - PRE_MS;
    const lastMs = session.openMs + session.length * MINUTE_MS + POST_MS - 1;
    const updateMs = updateMsOf(name);
    const since = Math.floor((Math.min(atMs, lastMs) - beginMs) / updateMs) * updateMs;
    const at = beginMs + since;
    const minute = Math.min(session.length, Math.max(0, (at - session.openMs) / MINUTE_MS));
    const mid = name.mid(session, minute);
    if (mid === undefined) return undefined;
    const isRegular = at >= session.openMs && minute < session.length;
    return quoteAround(name, mid, at, isRegular);
  };
}
