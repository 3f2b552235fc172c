import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Belief, type Source, UNKNOWN } from "../../../src/domain/belief.ts";
import { feedRank } from "../../../src/domain/provider-id.ts";
import { type IncomingBar, judge, revised, type Verdict } from "../../../src/domain/revision.ts";

const SOURCES: readonly Source[] = [
  { provider: "polygon", feed: "sip" },
  { provider: "alpaca", feed: "sip" },
  { provider: "polygon", feed: "delayed_sip" },
  { provider: "finnhub", feed: "finnhub" },
  { provider: "alpaca", feed: "iex" },
];

const incoming = fc.record({
  source: fc.constantFrom(...SOURCES),
  askedAt: fc.integer({ min: 1, max: 40 }),
  fingerprint: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constant(7)),
  settle: fc.boolean(),
});
const sequences = fc.array(incoming, { minLength: 1, maxLength: 30 });

interface Taken {
  readonly before: Belief;
  readonly bar: IncomingBar;
  readonly verdict: Verdict;
  readonly after: Belief;
}

function takeAll(bars: readonly IncomingBar[]): Taken[] {
  let belief: Belief = UNKNOWN;
  return bars.map((bar) => {
    const before = belief;
    const verdict = judge(before, bar);
    const moves = verdict === "first" || verdict === "updated" || verdict === "same";
    belief = moves ? revised(before, bar, verdict) : before;
    return { before, bar, verdict, after: belief };
  });
}

const isSame = (a: Source, b: Source) => a.provider === b.provider && a.feed === b.feed;

describe("who may revise a bar", () => {
  it("is never a live answer of a lower feed, whatever came before", () => {
    fc.assert(
      fc.property(sequences, (bars) => {
        for (const { before, bar, after } of takeAll(bars)) {
          if (bar.settle || before.state !== "bar" || after.state !== "bar") continue;
          expect(feedRank(after.source.feed)).toBeGreaterThanOrEqual(feedRank(before.source.feed));
        }
      }),
    );
  });

  it("is, for a live answer, only the same source asked later or a higher feed", () => {
    fc.assert(
      fc.property(sequences, (bars) => {
        for (const { before, bar, verdict } of takeAll(bars)) {
          if (bar.settle || before.state !== "bar" || verdict !== "updated") continue;
          const later = isSame(before.source, bar.source) && bar.askedAt > before.askedAt;
          expect(later || feedRank(bar.source.feed) > feedRank(before.source.feed)).toBe(true);
        }
      }),
    );
  });

  it("counts a revision exactly when the values change", () => {
    fc.assert(
      fc.property(sequences, (bars) => {
        for (const { before, after } of takeAll(bars)) {
          if (before.state !== "bar" || after.state !== "bar") continue;
          const changed = before.fingerprint[0] !== after.fingerprint[0];
          expect(after.revision - before.revision).toBe(changed ? 1 : 0);
        }
      }),
    );
  });

  it("is the settle pass, which owns the bar from then on against live answers of its rank", () => {
    const [polygon, alpaca] = SOURCES;
    if (polygon === undefined || alpaca === undefined) throw new Error("no sources");
    const live = { source: alpaca, askedAt: 10, fingerprint: [1, 7], settle: false } as const;
    const settled = { source: polygon, askedAt: 5, fingerprint: [2, 7], settle: true } as const;
    const again = { source: alpaca, askedAt: 99, fingerprint: [1, 7], settle: false } as const;
    const [, second, third] = takeAll([live, settled, again]);
    expect(second).toMatchObject({ verdict: "updated", after: { source: polygon, revision: 1 } });
    expect(third).toMatchObject({ verdict: "disagreed", after: { source: polygon, revision: 1 } });
  });

  it("is the settle pass even with equal values: the owner moves without a revision", () => {
    const [polygon, alpaca] = SOURCES;
    if (polygon === undefined || alpaca === undefined) throw new Error("no sources");
    const live = { source: alpaca, askedAt: 10, fingerprint: [1, 7], settle: false } as const;
    const settled = { source: polygon, askedAt: 12, fingerprint: [1, 7], settle: true } as const;
    expect(takeAll([live, settled])[1]).toMatchObject({
      verdict: "same",
      after: { source: polygon, revision: 0 },
    });
  });

  it("is not the settle pass of a lower feed, which fills holes and replaces nothing", () => {
    fc.assert(
      fc.property(sequences, (bars) => {
        for (const { before, bar, after } of takeAll(bars)) {
          if (before.state !== "bar" || after.state !== "bar") continue;
          if (feedRank(bar.source.feed) < feedRank(before.source.feed)) expect(after).toBe(before);
        }
      }),
    );
  });
});
