import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asOfNow,
  checkQuote,
  isStaleQuote,
  judgeQuote,
  MAX_QUOTE_AGE_MS,
  type SourcedQuote,
} from "../../../src/domain/quote-check.ts";
import { OPEN_MS } from "../../support/flushes.ts";
import { quoteOf } from "../../support/quotes.ts";

const NOW = OPEN_MS + 60 * 60_000;
const ASKED = new Set(["AAPL"]);
const fresh = (change: Partial<SourcedQuote> = {}) => quoteOf({ ts: NOW - 1_000, ...change });
const NO_SIDES = { bid: null, ask: null, bidSize: null, askSize: null, sizeUnit: null };

describe("a quote that came", () => {
  it("is believed as it is when it is fresh, one-sided or locked", () => {
    for (const quote of [fresh(), fresh({ ask: null, askSize: null }), fresh({ ask: 100.01 })])
      expect(checkQuote(quote, ASKED, NOW)).toEqual({ ok: true, quote });
  });

  it("keeps its last price when its sides are crossed, at that price's own time", () => {
    const checked = checkQuote(fresh({ bid: 100.04, lastTs: NOW - 5_000 }), ASKED, NOW);
    expect(checked).toMatchObject({
      ok: true,
      quote: { ...NO_SIDES, last: 100.02, ts: NOW - 5_000, nsOfMs: 0, lastTs: NOW - 5_000 },
    });
  });

  it("loses stale sides and a stale last price, each for itself", () => {
    const old = NOW - MAX_QUOTE_AGE_MS - 1;
    const oldLast = checkQuote(fresh({ lastTs: old }), ASKED, NOW);
    expect(oldLast).toMatchObject({ ok: true, quote: { bid: 100.01, last: null, lastTs: null } });
    const oldSides = checkQuote(quoteOf({ ts: old, lastTs: NOW - 1 }), ASKED, NOW);
    expect(oldSides).toMatchObject({ ok: true, quote: { ...NO_SIDES, ts: NOW - 1, last: 100.02 } });
  });

  it.each<[string, Partial<SourcedQuote>]>([
    ["foreign_symbol", { symbol: "MSFT" }],
    ["not_finite", { bid: Number.NaN }],
    ["in_future", { ts: NOW + 31_000 }],
    ["in_future", { lastTs: NOW + 31_000 }],
    ["crossed_quote", { bid: 101, last: null, lastTs: null }],
    ["stale_quote", { ts: NOW - MAX_QUOTE_AGE_MS - 1 }],
    ["empty_quote", { ...NO_SIDES, last: null, lastTs: null }],
  ])("is refused as %s when that leaves nothing", (reason, change) => {
    expect(checkQuote(fresh(change), ASKED, NOW)).toEqual({ ok: false, reason });
  });

  it("of a delayed tape is as fresh as that can be", () => {
    const at = NOW - 15 * 60_000 - MAX_QUOTE_AGE_MS;
    expect(isStaleQuote(at, "delayed_sip", NOW)).toBe(false);
    expect(isStaleQuote(at - 1, "delayed_sip", NOW)).toBe(true);
    expect(isStaleQuote(at, "sip", NOW)).toBe(true);
  });

  it("is never believed with crossed, zero or stale sides, whatever came", () => {
    const price = fc.option(fc.double({ min: 0.01, max: 10, noNaN: true }), { nil: null });
    const ts = fc.integer({ min: NOW - 3_600_000, max: NOW + 3_600_000 });
    fc.assert(
      fc.property(price, price, price, ts, ts, (bid, ask, last, at, lastAt) => {
        const lastTs = last === null ? null : lastAt;
        const checked = checkQuote(quoteOf({ bid, ask, last, ts: at, lastTs }), ASKED, NOW);
        if (!checked.ok) return;
        const { quote } = checked;
        expect(quote.bid ?? quote.ask ?? quote.last).not.toBeNull();
        expect((quote.bid ?? 0) <= (quote.ask ?? Infinity)).toBe(true);
        expect(isStaleQuote(quote.ts, quote.feed, NOW)).toBe(false);
      }),
    );
  });
});

describe("a quote that is known", () => {
  it("shows no side and no price once they have become stale, and when it was", () => {
    const quote = fresh();
    expect(asOfNow(quote, NOW)).toEqual(quote);
    const later = NOW + MAX_QUOTE_AGE_MS;
    expect(asOfNow(quote, later)).toEqual({ ...quote, ...NO_SIDES, last: null, lastTs: null });
  });
});

describe("the verdict on a quote", () => {
  const last = quoteOf();
  it.each<[string, Partial<SourcedQuote>, string]>([
    ["a later event", { ts: last.ts + 1 }, "first"],
    ["a later nanosecond", { nsOfMs: last.nsOfMs + 1 }, "first"],
    ["an earlier event", { ts: last.ts - 1 }, "stale"],
    ["the same again", { askedAt: last.askedAt + 15_000 }, "same"],
    ["another last price of the same event", { last: 1, askedAt: last.askedAt + 1 }, "updated"],
    ["another value that was asked for earlier", { bid: 1, askedAt: last.askedAt - 1 }, "stale"],
    ["one venue's of the same instant", { provider: "iex", feed: "iex", bid: 1 }, "same"],
    ["one venue's of a later instant", { provider: "iex", feed: "iex", ts: last.ts + 1 }, "first"],
  ])("of %s", (_name, change, verdict) => {
    expect(judgeQuote(last, { ...last, ...change })).toBe(verdict);
  });

  it("of the first one, and of a consolidated one over one venue's of the same instant", () => {
    expect(judgeQuote(undefined, last)).toBe("first");
    expect(judgeQuote(quoteOf({ provider: "iex", feed: "iex" }), last)).toBe("first");
  });
});
