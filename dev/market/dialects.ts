import type { Feed, ProviderId } from "../../src/domain/provider-id.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { hash32 } from "./hash.ts";
import type { MarketBar } from "./market.ts";

/** What a provider makes of a true bar: undefined when its feed did not see the minute. */
export type Dialect = (symbol: string, ts: EpochMs, bar: MarketBar) => MarketBar | undefined;

const IEX_MINUTES_SALT = 41;

const truth: Dialect = (_symbol, _ts, bar) => bar;

/** Real consolidated tapes of two providers differ by a few odd prints: here 0.2 % and one trade. */
const alpacaSip: Dialect = (_symbol, _ts, bar) => ({
  ...bar,
  // In whole permille: 0.998 is no binary fraction and would round down one share too many.
  v: Math.floor((bar.v * 998) / 1_000),
  ...(bar.n === undefined ? {} : { n: Math.max(0, bar.n - 1) }),
});

/**
 * One venue: 3 % of the volume in a third of the minutes (recorded payloads: 3.5 % for AAPL). A small
 * bar rounds to volume 0 and stays a bar, so that a correction never turns one into none.
 */
const alpacaIex: Dialect = (symbol, ts, bar) => {
  if (hash32(fnv1a32(symbol), ts / MINUTE_MS, IEX_MINUTES_SALT) % 3 !== 0) return undefined;
  return {
    ...bar,
    v: Math.floor((bar.v * 3) / 100),
    ...(bar.n === undefined ? {} : { n: Math.max(1, Math.floor((bar.n * 3) / 100)) }),
  };
};

/** Half a percent of the volume, and neither vwap nor a count of trades. */
const finnhub: Dialect = (_symbol, _ts, { o, h, l, c, v }) => ({
  o,
  h,
  l,
  c,
  v: Math.floor((v * 995) / 1_000),
});

/** A day of one venue: every day, 3 % of its volume, at the venue's own last price. */
const alpacaIexDay: Dialect = (_symbol, _ts, bar) => ({
  ...bar,
  c: Math.min(bar.h, Math.round((bar.c + 0.01) * 100) / 100),
  v: Math.floor((bar.v * 3) / 100),
  ...(bar.n === undefined ? {} : { n: Math.max(1, Math.floor((bar.n * 3) / 100)) }),
});

/**
 * The dialect of a provider's feed. `iex` is Alpaca's IEX feed under its own id. Throws a RangeError
 * for a pair that the sandbox does not speak.
 */
export function dialectOf(provider: ProviderId, feed: Feed): Dialect {
  if (provider === "polygon" && feed === "sip") return truth;
  if (provider === "alpaca" && feed === "sip") return alpacaSip;
  if ((provider === "alpaca" || provider === "iex") && feed === "iex") return alpacaIex;
  if (provider === "finnhub" && feed === "finnhub") return finnhub;
  throw new RangeError(`the sandbox does not speak ${provider} with feed ${feed}`);
}

/** The same for daily bars; `ts` is the start of the trading date. */
export function dailyDialectOf(provider: ProviderId, feed: Feed): Dialect {
  const minutes = dialectOf(provider, feed);
  return minutes === alpacaIex ? alpacaIexDay : minutes;
}
