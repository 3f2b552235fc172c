import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Belief } from "../../../src/domain/belief.ts";
import { feedRank } from "../../../src/domain/provider-id.ts";
import type { Answer } from "../../../src/symbol-group/classify.ts";
import {
  answerOf,
  barOf,
  member,
  MINUTE_MS,
  NaiveGroup,
  OPEN_MS,
} from "../../support/naive-group.ts";

const SYMBOLS = ["AAPL", "KO"];
const MINUTES = 4;
const MEMBERS = SYMBOLS.map((symbol, slot) => member(slot, symbol));
const SOURCES = [
  { provider: "alpaca", feed: "sip" },
  { provider: "polygon", feed: "sip" },
  { provider: "polygon", feed: "delayed_sip" },
  { provider: "finnhub", feed: "finnhub" },
  { provider: "iex", feed: "iex" },
] as const;
const LATER_MS = OPEN_MS + 60 * MINUTE_MS;
const SETTLE_MS = OPEN_MS + 420 * MINUTE_MS;

/** Values by symbol and minute, 0 = no bar. */
const values = fc.array(fc.integer({ min: 0, max: 3 }), {
  minLength: SYMBOLS.length * MINUTES,
  maxLength: SYMBOLS.length * MINUTES,
});

function barsOf(list: readonly number[]) {
  return list.flatMap((value, at) => {
    const symbol = SYMBOLS[Math.floor(at / MINUTES)] ?? "";
    return value === 0 ? [] : [barOf(symbol, OPEN_MS + (at % MINUTES) * MINUTE_MS, 100 + value)];
  });
}

/** Complete answers of several providers and feeds, each asked at another time. */
const answers = fc
  .uniqueArray(
    fc.record({ source: fc.constantFrom(...SOURCES), askedS: fc.nat({ max: 600 }), list: values }),
    { minLength: 1, maxLength: 8, selector: ({ askedS }) => askedS },
  )
  .map((shapes) =>
    shapes.map(({ source, askedS, list }) =>
      answerOf(LATER_MS + askedS * 1_000, {
        source,
        bars: barsOf(list),
        covered: [{ symbols: SYMBOLS, startMs: OPEN_MS, endMs: OPEN_MS + MINUTES * MINUTE_MS }],
      }),
    ),
  );
const orders = answers.chain((list) =>
  fc.tuple(
    fc.constant(list),
    fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
  ),
);

/** The settle pass of a consolidated feed: it has a bar wherever anybody has one. */
function settleOf(list: readonly Answer[]): Answer {
  const keys = new Set(list.flatMap(({ bars }) => bars.map(({ symbol, ts }) => `${symbol} ${ts}`)));
  return answerOf(SETTLE_MS, {
    settle: true,
    bars: [...keys].map((key) => {
      const [symbol = "", ts = "0"] = key.split(" ");
      return barOf(symbol, Number(ts), 500);
    }),
    covered: [{ symbols: SYMBOLS, startMs: OPEN_MS, endMs: OPEN_MS + MINUTES * MINUTE_MS }],
  });
}

function beliefsOf(group: NaiveGroup): Belief[] {
  return SYMBOLS.flatMap((symbol) =>
    Array.from({ length: MINUTES }, (_, i) => group.belief(symbol, OPEN_MS + i * MINUTE_MS)),
  );
}

const rankOf = (belief: Belief) => (belief.state === "bar" ? feedRank(belief.source.feed) : -1);

/** What of a belief may not depend on the order in which answers came. */
function essence(belief: Belief) {
  if (belief.state !== "bar") return belief.state;
  const { source, askedAt, fingerprint } = belief;
  return { source, askedAt, fingerprint };
}

describe("a group that takes answers of several providers and feeds", () => {
  it("never puts a lower feed over a higher one, and never takes a bar away", () => {
    fc.assert(
      fc.property(orders, ([, order]) => {
        const group = new NaiveGroup(MEMBERS);
        let before = beliefsOf(group).map(rankOf);
        for (const answer of [...order, settleOf(order)]) {
          group.take(answer, Math.max(answer.askedAt, LATER_MS + 700_000));
          const ranks = beliefsOf(group).map(rankOf);
          ranks.forEach((rank, at) => expect(rank).toBeGreaterThanOrEqual(before[at] ?? -1));
          before = ranks;
        }
      }),
      { numRuns: 300 },
    );
  });

  it("believes the same after the settle pass, in whatever order they came", () => {
    fc.assert(
      fc.property(orders, ([list, order]) => {
        const [one, other] = [list, order].map((arrivals) => {
          const group = new NaiveGroup(MEMBERS);
          for (const answer of arrivals) group.take(answer, LATER_MS + 700_000);
          group.take(settleOf(list), SETTLE_MS);
          return beliefsOf(group).map(essence);
        });
        expect(one).toEqual(other);
      }),
      { numRuns: 300 },
    );
  });
});
