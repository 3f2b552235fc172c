import { describe, expect, it } from "vitest";
import { countStates } from "../../../src/domain/manifest.ts";
import {
  answerOf,
  barOf,
  member,
  MINUTE_MS,
  NaiveGroup,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const SETTLED_MS = OPEN_MS + MINUTE_MS + SETTLE_DELAY_MS;
const MISSING_MS = SETTLED_MS + MINUTE_MS;
const openMinute = (...symbols: string[]) => [
  { symbols, startMs: OPEN_MS, endMs: OPEN_MS + MINUTE_MS },
];
const groupOf = (...symbols: string[]) =>
  new NaiveGroup(symbols.map((symbol, slot) => member(slot, symbol)));

describe("what an answer makes of one minute", () => {
  it("is pending when the bar is absent one millisecond before the minute has settled", () => {
    const group = groupOf("AAPL");
    group.take(answerOf(SETTLED_MS - 1, { covered: openMinute("AAPL") }), SETTLED_MS);
    expect(group.belief("AAPL", OPEN_MS)).toEqual({ state: "absent", askedAt: SETTLED_MS - 1 });
    expect(group.watermarkMs).toBe(OPEN_MS);
  });

  it("is no_trade when the absence was asked at the settle delay, in a flush that moves the watermark", () => {
    const group = groupOf("AAPL");
    const { drafts } = group.take(
      answerOf(SETTLED_MS, { covered: openMinute("AAPL") }),
      SETTLED_MS,
    );
    expect(group.belief("AAPL", OPEN_MS).state).toBe("no_trade");
    expect(drafts).toEqual([
      { rows: [], gaps: [], source: [], man: [[OPEN_MS, "N"]], watermarkMs: OPEN_MS + MINUTE_MS },
    ]);
  });

  it("is nothing for a symbol that the answer does not cover", () => {
    const group = groupOf("AAPL", "KO");
    group.take(answerOf(SETTLED_MS, { covered: openMinute("AAPL") }), SETTLED_MS);
    expect(group.belief("KO", OPEN_MS).state).toBe("unknown");
  });

  it("is a first bar of revision 0 when a late print follows no_trade, stated in the manifest", () => {
    const group = groupOf("AAPL");
    group.take(answerOf(SETTLED_MS, { covered: openMinute("AAPL") }), SETTLED_MS);
    const late = answerOf(SETTLED_MS + MINUTE_MS, {
      bars: [barOf("AAPL", OPEN_MS)],
      covered: openMinute("AAPL"),
    });
    const { drafts } = group.take(late, SETTLED_MS + MINUTE_MS);
    expect(drafts.flatMap(({ rows }) => rows.map((row) => [row[9], row[12]]))).toEqual([
      [0, "first"],
    ]);
    expect(drafts.flatMap(({ man }) => man)).toEqual([[OPEN_MS, "B"]]);
  });

  it("is a backfilled bar that fills the hole when the minute was missing", () => {
    const group = groupOf("AAPL");
    const opened = group.take(null, MISSING_MS);
    expect(opened.drafts[0]?.gaps).toEqual([
      ["AAPL", OPEN_MS, OPEN_MS + MINUTE_MS, "open", null, null],
    ]);
    const { drafts } = group.take(
      answerOf(MISSING_MS, { bars: [barOf("AAPL", OPEN_MS)] }),
      MISSING_MS,
    );
    expect(drafts[0]?.rows.map((row) => row[12])).toEqual(["backfilled"]);
    expect(drafts[0]?.gaps).toEqual([
      ["AAPL", OPEN_MS, OPEN_MS + MINUTE_MS, "filled", "alpaca", null],
    ]);
    expect(group.openHoles()).toEqual([]);
  });

  it("is a first bar, not a backfilled one, one millisecond before the minute is missing", () => {
    const group = groupOf("AAPL");
    const answer = answerOf(MISSING_MS - 1, { bars: [barOf("AAPL", OPEN_MS)] });
    expect(group.take(answer, MISSING_MS - 1).drafts[0]?.rows[0]?.[12]).toBe("first");
  });

  it("is nothing at all when the same values come again, but a yet older answer is stale then", () => {
    const group = groupOf("AAPL");
    const at = (askedAt: number, close: number) =>
      group.take(answerOf(askedAt, { bars: [barOf("AAPL", OPEN_MS, close)] }), SETTLED_MS);
    at(OPEN_MS + 63_000, 101);
    expect(at(OPEN_MS + 123_000, 101).drafts).toEqual([]);
    expect(at(OPEN_MS + 90_000, 102)).toMatchObject({ drafts: [], verdicts: { stale: 1 } });
    expect(group.belief("AAPL", OPEN_MS)).toMatchObject({
      revision: 0,
      askedAt: OPEN_MS + 123_000,
    });
  });

  it("is stored, flagged post and not part of any manifest in the closing window", () => {
    const closeMs = OPEN_MS + 390 * MINUTE_MS;
    const group = new NaiveGroup([member(0, "AAPL")], closeMs);
    const { drafts } = group.take(
      answerOf(closeMs + 63_000, { bars: [barOf("AAPL", closeMs)] }),
      closeMs + 63_000,
    );
    expect(drafts[0]).toMatchObject({ man: [], gaps: [] });
    expect(drafts[0]?.rows[0]?.slice(12, 14)).toEqual(["first", "post"]);
  });

  it("is not stored for a symbol that is no member", () => {
    const group = groupOf("AAPL");
    expect(
      group.take(answerOf(SETTLED_MS, { bars: [barOf("KO", OPEN_MS)] }), SETTLED_MS).drafts,
    ).toEqual([]);
  });
});

describe("a minute that becomes missing because nobody answered", () => {
  it("is stated again in the manifest of the flush that opens the hole", () => {
    const group = groupOf("AAPL", "KO");
    const early = answerOf(OPEN_MS + 63_000, {
      bars: [barOf("AAPL", OPEN_MS)],
      covered: openMinute("AAPL", "KO"),
    });
    const stated = group.take(early, OPEN_MS + 64_000).drafts.flatMap(({ man }) => man);
    expect(stated.map(([ts, states]) => countStates(ts, states, null))).toEqual([
      [OPEN_MS, 2, 1, 0, 0, 1],
    ]);
    const restated = group.take(null, MISSING_MS).drafts.flatMap(({ man }) => man);
    expect(restated.map(([ts, states]) => countStates(ts, states, null))).toEqual([
      [OPEN_MS, 2, 1, 0, 1, 0],
    ]);
  });
});
