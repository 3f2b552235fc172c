import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  agree,
  canJudge,
  implausibleMinutes,
  isPlausible,
  type JudgedAnswer,
  learnRate,
  RATE_SPAN_MS,
  rateRanges,
  rateSpanOf,
  witnessesFor,
} from "../../../src/domain/plausibility.ts";
import type { Feed, ProviderId } from "../../../src/domain/provider-id.ts";
import { CALENDAR, MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const rate = fc.double({ min: 0, max: 1, noNaN: true });
const rated = (prefix: string, rates: readonly number[]): { symbol: string; rate: number }[] =>
  rates.map((value, index) => ({ symbol: `${prefix}${index}`, rate: value }));
const sum = (symbols: readonly { symbol: string; rate: number }[]) =>
  symbols.reduce((total, symbol) => total + symbol.rate, 0);

/** An answer that covers these symbols over the first minutes of the session. */
function judged(
  symbols: readonly { symbol: string; rate: number }[],
  minutes: number,
  bars: JudgedAnswer["bars"],
  change: Partial<JudgedAnswer> = {},
): JudgedAnswer {
  const names = symbols.map(({ symbol }) => symbol);
  const rates = symbols.map((symbol) => symbol.rate);
  const spans = Array.from({ length: Math.ceil(minutes / 30) }, (_, index) => ({
    fromMs: OPEN_MS + index * RATE_SPAN_MS,
    rates,
  }));
  return {
    symbols: names,
    spans,
    covered: [{ symbols: names, startMs: OPEN_MS, endMs: OPEN_MS + minutes * MINUTE_MS }],
    bars,
    isExpectedMinute: (ts) => CALENDAR.isExpectedMinute(ts),
    ...change,
  };
}

const everyBar = (symbols: readonly { symbol: string; rate: number }[], minutes: number) =>
  symbols.flatMap(({ symbol }) =>
    Array.from({ length: minutes }, (_, index) => ({ symbol, ts: OPEN_MS + index * MINUTE_MS })),
  );

describe("the trading rate of a symbol", () => {
  it("stays in [0, 1], moves toward what is seen, and forgets where it began", () => {
    fc.assert(
      fc.property(rate, rate, fc.array(fc.boolean(), { maxLength: 400 }), (a, b, seen) => {
        let [one, other] = [a, b];
        for (const traded of seen) {
          const next = learnRate(one, traded);
          expect(next).toBeGreaterThanOrEqual(0);
          expect(next).toBeLessThanOrEqual(1);
          expect(traded ? next >= one : next <= one).toBe(true);
          [one, other] = [next, learnRate(other, traded)];
        }
        expect(Math.abs(one - other)).toBeLessThanOrEqual(0.99 ** seen.length + 1e-12);
      }),
    );
  });

  it("is kept by half hour of the session: an early close has fewer of them, a winter one the same", () => {
    for (const date of ["2026-03-20", "2026-11-27", "2026-12-24"]) {
      const session = CALENDAR.session(date);
      if (session === undefined) throw new Error(`${date} is no session`);
      expect(rateSpanOf(session.openMs, session)).toBe(0);
      expect(rateSpanOf(session.openMs + RATE_SPAN_MS - 1, session)).toBe(0);
      expect(rateSpanOf(session.closeMs - MINUTE_MS, session)).toBe(date === "2026-03-20" ? 12 : 6);
    }
  });
});

describe("a minute of an answer", () => {
  it("is plausible when everybody traded, whatever their rates", () => {
    fc.assert(
      fc.property(
        fc.array(rate, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 75 }),
        (rates, minutes) => {
          const symbols = rated("S", rates);
          expect(implausibleMinutes(judged(symbols, minutes, everyBar(symbols, minutes)))).toEqual(
            [],
          );
        },
      ),
    );
  });

  it("is never judged when fewer than 3 bars are expected, be it empty", () => {
    fc.assert(
      fc.property(fc.array(rate, { minLength: 1, maxLength: 40 }), (rates) => {
        const symbols = rated("S", rates);
        const doubted = implausibleMinutes(judged(symbols, 1, []));
        expect(doubted).toEqual(sum(symbols) < 3 ? [] : [OPEN_MS]);
      }),
    );
  });

  it.each([
    [3, 6, true],
    [2, 6, false],
    [0, 2.99, true],
    [0, 3, false],
    [2, 3, true],
    [1, 3, false],
    [50, 100, true],
    [49, 100, false],
  ])("with %i bars of %d expected is plausible: %s", (bars, expected, plausible) => {
    expect(isPlausible(bars, expected)).toBe(plausible);
  });

  it("is judged alone: one empty minute among full ones is doubted, and by the rates of its half hour", () => {
    const symbols = rated(
      "S",
      Array.from({ length: 6 }, () => 0.9),
    );
    const gone = OPEN_MS + 31 * MINUTE_MS;
    const bars = everyBar(symbols, 60).filter(({ ts }) => ts !== gone);
    expect(implausibleMinutes(judged(symbols, 60, bars))).toEqual([gone]);
    const quietLater = judged(symbols, 60, bars, {
      spans: [
        { fromMs: OPEN_MS, rates: symbols.map(() => 0.9) },
        { fromMs: OPEN_MS + RATE_SPAN_MS, rates: symbols.map(() => 0.3) },
      ],
    });
    expect(implausibleMinutes(quietLater)).toEqual([]);
  });

  it("is judged by who is covered, in how many parts it may be", () => {
    const symbols = rated(
      "S",
      Array.from({ length: 8 }, () => 1),
    );
    const parts = symbols.map(({ symbol }) => ({
      symbols: [symbol],
      startMs: OPEN_MS,
      endMs: OPEN_MS + MINUTE_MS,
    }));
    expect(implausibleMinutes(judged(symbols, 1, [], { covered: parts }))).toEqual([OPEN_MS]);
    expect(implausibleMinutes(judged(symbols, 1, [], { covered: parts.slice(0, 2) }))).toEqual([]);
  });

  it("gets no credit for bars of symbols that were cut off and are not covered", () => {
    const symbols = rated(
      "S",
      Array.from({ length: 8 }, () => 1),
    );
    const names = symbols.map(({ symbol }) => symbol);
    const covered = [{ symbols: names.slice(0, 4), startMs: OPEN_MS, endMs: OPEN_MS + MINUTE_MS }];
    const bars = names.slice(4).map((symbol) => ({ symbol, ts: OPEN_MS }));
    expect(implausibleMinutes(judged(symbols, 1, bars, { covered }))).toEqual([OPEN_MS]);
  });

  it("gets no credit for bars of a symbol outside of what is covered of it", () => {
    const symbols = rated(
      "S",
      Array.from({ length: 8 }, () => 1),
    );
    const names = symbols.map(({ symbol }) => symbol);
    const at = (index: number) => OPEN_MS + index * MINUTE_MS;
    const covered = [
      { symbols: names.slice(0, 4), startMs: at(0), endMs: at(1) },
      { symbols: names.slice(4), startMs: at(0), endMs: at(2) },
    ];
    const bars = names.slice(0, 4).flatMap((symbol) => [0, 1].map((i) => ({ symbol, ts: at(i) })));
    expect(implausibleMinutes(judged(symbols, 2, bars, { covered }))).toEqual([at(1)]);
  });

  it("is not judged outside of the regular session, where nobody is expected", () => {
    const symbols = rated(
      "S",
      Array.from({ length: 8 }, () => 1),
    );
    const startMs = OPEN_MS - 5 * MINUTE_MS;
    const covered = [
      { symbols: symbols.map(({ symbol }) => symbol), startMs, endMs: OPEN_MS + MINUTE_MS },
    ];
    const spans = [{ fromMs: startMs, rates: symbols.map(() => 1) }];
    expect(implausibleMinutes(judged(symbols, 1, [], { covered, spans }))).toEqual([OPEN_MS]);
  });
});

/** Symbols that trade the same in each half hour. */
const steady = (symbols: readonly { symbol: string; rate: number }[]) =>
  symbols.map(({ symbol, rate: each }) => ({ symbol, least: each, most: each }));

describe("the witnesses of a repair", () => {
  const quiet = fc.array(fc.double({ min: 0, max: 0.5, noNaN: true }), {
    minLength: 1,
    maxLength: 40,
  });
  const busy = fc.array(fc.constant(1), { minLength: 30, maxLength: 60 });

  it("make an honest answer about quiet symbols plausible, and an empty one implausible", () => {
    fc.assert(
      fc.property(quiet, busy, (quietRates, busyRates) => {
        const asked = rated("Q", quietRates);
        const others = rated("B", busyRates);
        const names = new Set(witnessesFor(steady(asked), steady(others)));
        const witnesses = others.filter(({ symbol }) => names.has(symbol));
        const all = [...asked, ...witnesses];
        expect(implausibleMinutes(judged(all, 1, everyBar(witnesses, 1)))).toEqual([]);
        expect(implausibleMinutes(judged(all, 1, []))).toEqual([OPEN_MS]);
      }),
    );
  });

  it("outweigh many quiet symbols that together expect more than they do", () => {
    const asked = rated(
      "Q",
      Array.from({ length: 14 }, () => 0.3),
    );
    const others = rated(
      "B",
      Array.from({ length: 20 }, () => 1),
    );
    const witnesses = others.slice(0, witnessesFor(steady(asked), steady(others)).length);
    const honest = judged([...asked, ...witnesses], 1, everyBar(witnesses, 1));
    expect(implausibleMinutes(honest)).toEqual([]);
  });

  it("make an empty answer implausible in each half hour, when not all trade in all of them", () => {
    const spans = fc.array(fc.array(rate, { minLength: 20, maxLength: 20 }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 10 }), (bySpan, count) => {
        const names = Array.from({ length: 20 }, (_, index) => `S${index}`);
        const rates = bySpan.map((each, index) => ({
          fromMs: OPEN_MS + index * RATE_SPAN_MS,
          rates: each,
        }));
        const ranges = rateRanges(names, rates);
        const [asked, others] = [ranges.slice(0, count), ranges.slice(count)];
        const witnesses = canJudge(asked) ? [] : witnessesFor(asked, others);
        const symbols = [...asked.map(({ symbol }) => symbol), ...witnesses];
        const least = symbols.map((symbol) => ranges.find((each) => each.symbol === symbol)?.least);
        if (least.reduce((total: number, each) => total + (each ?? 0), 0) < 3) return;
        const endMs = OPEN_MS + rates.length * RATE_SPAN_MS;
        const found = implausibleMinutes({
          symbols: names,
          spans: rates,
          covered: [{ symbols, startMs: OPEN_MS, endMs }],
          bars: [],
          isExpectedMinute: () => true,
        });
        expect(found).toHaveLength((endMs - OPEN_MS) / 60_000);
      }),
    );
  });

  it("are the busiest, no more than needed, and never one that does not trade", () => {
    fc.assert(
      fc.property(
        fc.array(rate, { maxLength: 20 }),
        fc.array(fc.oneof(rate, fc.constant(0)), { maxLength: 40 }),
        (askedRates, otherRates) => {
          const [asked, others] = [rated("Q", askedRates), rated("B", otherRates)];
          const names = witnessesFor(steady(asked), steady(others));
          const chosen = others.filter(({ symbol }) => names.includes(symbol));
          const left = others.filter(({ symbol }) => !names.includes(symbol));
          expect(chosen.every((symbol) => symbol.rate > 0)).toBe(true);
          const least = Math.min(1, ...chosen.map((symbol) => symbol.rate));
          expect(left.every((symbol) => symbol.rate <= least)).toBe(true);
          const wanted = 1.25 * Math.max(3, sum(asked));
          expect(sum(chosen) - wanted).toBeLessThan(1);
          if (sum(chosen) < wanted) expect(left.every((symbol) => symbol.rate === 0)).toBe(true);
        },
      ),
    );
  });
});

describe("two poor answers about a minute", () => {
  const poor = (provider: ProviderId, feed: Feed, bars = 0) => ({
    source: { provider, feed },
    bars,
  });
  it.each([
    ["two tapes, both empty", poor("alpaca", "sip"), poor("polygon", "sip"), true],
    ["two tapes with a few bars each", poor("alpaca", "sip", 2), poor("polygon", "sip", 1), true],
    ["a tape and its delayed copy", poor("alpaca", "sip"), poor("polygon", "delayed_sip", 1), true],
    ["two feeds of one host", poor("alpaca", "sip"), poor("iex", "iex"), false],
    ["one provider twice", poor("polygon", "sip"), poor("polygon", "sip"), false],
    [
      "a tape, and one venue that saw its usual third",
      poor("polygon", "sip"),
      poor("iex", "iex", 9),
      false,
    ],
    [
      "a tape, and one venue that saw nothing either",
      poor("polygon", "sip", 1),
      poor("iex", "iex"),
      true,
    ],
  ])("%s", (_name, one, other, expected) => {
    expect([agree(one, other), agree(other, one)]).toEqual([expected, expected]);
  });
});
