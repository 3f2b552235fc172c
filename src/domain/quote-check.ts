import type { Feed, ProviderId } from "./provider-id.ts";
import { feedRank } from "./provider-id.ts";
import type { Quote } from "./quote.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS, SECOND_MS } from "./time.ts";

/**
 * A bid, ask or last price older than this, on top of what its feed is late by plan, is stale: nobody
 * may take it for the market of now. Liquid names are quoted anew each second, thin ones every few
 * minutes.
 */
export const MAX_QUOTE_AGE_MS = 10 * MINUTE_MS;
/** A delayed tape is a quarter of an hour late (UTP and CTA plans). */
const DELAYED_MS = 15 * MINUTE_MS;
/** Providers' clocks and ours differ; an event further ahead than this has a wrong time. */
const MAX_AHEAD_MS = 30 * SECOND_MS;

/** Why a quote was not taken; the label of `rows_refused_total`. */
export type QuoteRefusal =
  | "foreign_symbol"
  | "not_finite"
  | "in_future"
  | "crossed_quote"
  | "stale_quote"
  | "empty_quote";

/** A quote with who gave it, and when it was asked for (market ms). */
export interface SourcedQuote extends Quote {
  readonly provider: ProviderId;
  readonly askedAt: EpochMs;
}

/** What a checked quote came to. */
export type CheckedQuote<Q extends Quote> =
  | { readonly ok: true; readonly quote: Q }
  | { readonly ok: false; readonly reason: QuoteRefusal };

/** Whether an event of a feed is too old at `nowMs` to stand for the market of now. */
export function isStaleQuote(eventMs: EpochMs, feed: Feed, nowMs: EpochMs): boolean {
  const lateMs = feed === "delayed_sip" ? DELAYED_MS : 0;
  return nowMs - eventMs > MAX_QUOTE_AGE_MS + lateMs;
}

/**
 * What of a quote may be believed at `nowMs`. Both sides go when they are crossed (bid above ask:
 * nobody can tell which is wrong; equal ones are a locked market, and real) or stale, the last price
 * when it is stale. A quote of which nothing is left is refused. Event times stay those of what is left.
 */
export function checkQuote<Q extends Quote>(
  quote: Q,
  asked: ReadonlySet<string>,
  nowMs: EpochMs,
): CheckedQuote<Q> {
  const refused = (reason: QuoteRefusal) => ({ ok: false, reason }) as const;
  if (!asked.has(quote.symbol)) return refused("foreign_symbol");
  if (!numbersOf(quote).every(Number.isFinite)) return refused("not_finite");
  if (Math.max(quote.ts, quote.lastTs ?? 0) > nowMs + MAX_AHEAD_MS) return refused("in_future");
  const { bid, ask } = quote;
  const hasSides = bid !== null || ask !== null;
  const isCrossed = bid !== null && ask !== null && bid > ask;
  const areOld = hasSides && isStaleQuote(quote.ts, quote.feed, nowMs);
  const isLastOld = quote.lastTs !== null && isStaleQuote(quote.lastTs, quote.feed, nowMs);
  const kept = isLastOld ? { ...quote, last: null, lastTs: null } : quote;
  if (hasSides && !isCrossed && !areOld) return { ok: true, quote: kept };
  if (kept.last === null || kept.lastTs === null) {
    if (isCrossed) return refused("crossed_quote");
    return refused(areOld || isLastOld ? "stale_quote" : "empty_quote");
  }
  return { ok: true, quote: lastOnly(kept, kept.lastTs) };
}

/** A quote as it stands for the market of `nowMs`: what has become stale since is null. */
export function asOfNow<Q extends Quote>(quote: Q, nowMs: EpochMs): Q {
  const isOld = isStaleQuote(quote.ts, quote.feed, nowMs);
  const isLastOld = quote.lastTs === null || isStaleQuote(quote.lastTs, quote.feed, nowMs);
  return {
    ...quote,
    ...(isOld ? NO_SIDES : {}),
    ...(isLastOld ? { last: null, lastTs: null } : {}),
  };
}

/**
 * How a quote relates to the last one of its symbol:
 * - `first`: of a later event, or of the same event from a feed of higher rank;
 * - `updated`: the same provider's later word about the same event;
 * - `same`: nothing new;
 * - `stale`: older than what is known.
 */
export type QuoteVerdict = "first" | "updated" | "same" | "stale";

/** Judges a quote against the last one of its symbol by event time, whoever gave them. */
export function judgeQuote(last: SourcedQuote | undefined, incoming: SourcedQuote): QuoteVerdict {
  if (last === undefined) return "first";
  const later = incoming.ts - last.ts || incoming.nsOfMs - last.nsOfMs;
  if (later !== 0) return later > 0 ? "first" : "stale";
  if (incoming.provider !== last.provider)
    return feedRank(incoming.feed) > feedRank(last.feed) ? "first" : "same";
  if (VALUES.every((name) => incoming[name] === last[name])) return "same";
  return incoming.askedAt > last.askedAt ? "updated" : "stale";
}

const NO_SIDES = { bid: null, ask: null, bidSize: null, askSize: null, sizeUnit: null } as const;

const VALUES = [
  "bid",
  "ask",
  "bidSize",
  "askSize",
  "sizeUnit",
  "last",
  "lastTs",
  "venue",
  "consolidated",
  "feed",
] as const;

function lastOnly<Q extends Quote>(quote: Q, lastTs: EpochMs): Q {
  return { ...quote, ...NO_SIDES, ts: lastTs, nsOfMs: 0 };
}

function numbersOf(quote: Quote): number[] {
  const { ts, nsOfMs, bid, ask, bidSize, askSize, last, lastTs } = quote;
  return [ts, nsOfMs, bid ?? 0, ask ?? 0, bidSize ?? 0, askSize ?? 0, last ?? 0, lastTs ?? 0];
}
