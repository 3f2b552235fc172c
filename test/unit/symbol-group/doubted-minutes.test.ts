import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/symbol-group/classify.ts";
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
const HOUR_MS = 60 * MINUTE_MS;
const poor = (askedAt: number, change: Partial<Answer> = {}) =>
  answerOf(askedAt, {
    covered: [{ symbols: ["AAPL", "KO"], startMs: OPEN_MS, endMs: OPEN_MS + MINUTE_MS }],
    doubted: [OPEN_MS],
    ...change,
  });
const newGroup = () => new NaiveGroup([member(0, "AAPL"), member(1, "KO")]);
const gapsOf = (group: NaiveGroup) =>
  group.digests.flatMap(({ drafts }) => drafts.flatMap(({ gaps }) => gaps));
const statesOf = (group: NaiveGroup) =>
  group.digests.flatMap(({ drafts }) =>
    drafts.flatMap(({ man }) => man.map(([, states]) => states)),
  );

describe("a minute that was answered implausibly", () => {
  it("is told as pending and holds the watermark back while the polls still look at it", () => {
    const group = newGroup();
    group.take(poor(SETTLED_MS), SETTLED_MS);
    group.take(null, MISSING_MS);
    group.take(null, MISSING_MS + 25 * MINUTE_MS - 1);
    expect(statesOf(group)[0]).toBe("PP");
    expect(gapsOf(group).filter(([, fromMs]) => fromMs === OPEN_MS)).toEqual([]);
    expect(group.watermarkMs).toBe(OPEN_MS);
  });

  it("is a hole when they do not any more, and is asked for by its queue", () => {
    const group = newGroup();
    group.take(poor(SETTLED_MS), SETTLED_MS);
    group.take(null, MISSING_MS + 25 * MINUTE_MS);
    const opened = gapsOf(group).filter(([, fromMs]) => fromMs === OPEN_MS);
    expect(opened.map(([symbol, , , kind]) => [symbol, kind])).toEqual([
      ["AAPL", "open"],
      ["KO", "open"],
    ]);
    expect(group.watermarkMs).toBeGreaterThan(OPEN_MS);
  });

  it("takes the bars that came, and later ones as first values, not as backfilled", () => {
    const group = newGroup();
    group.take(poor(SETTLED_MS, { bars: [barOf("AAPL", OPEN_MS)] }), SETTLED_MS);
    const later = answerOf(MISSING_MS, { bars: [barOf("KO", OPEN_MS)] });
    const { drafts } = group.take(later, MISSING_MS);
    expect(drafts[0]?.rows.map((row) => [row[0], row[12]])).toEqual([["KO", "first"]]);
    expect(group.belief("AAPL", OPEN_MS).state).toBe("bar");
  });

  it("stays a hole that is open already, until it is answered", () => {
    const group = newGroup();
    group.take(null, OPEN_MS + HOUR_MS);
    const opened = group.openHoles();
    group.take(poor(OPEN_MS + HOUR_MS), OPEN_MS + HOUR_MS);
    expect(group.openHoles()).toEqual(opened);
  });

  it("is no_trade of two that agree, whatever came before, and says on what evidence", () => {
    const group = newGroup();
    group.take(poor(SETTLED_MS), SETTLED_MS);
    const { evidence } = group.take(
      poor(SETTLED_MS, {
        source: { provider: "polygon", feed: "sip" },
        doubted: [],
        agreed: [OPEN_MS],
      }),
      SETTLED_MS,
    );
    expect([...evidence]).toEqual(["absence_agreed"]);
    expect(group.belief("KO", OPEN_MS).state).toBe("no_trade");
    expect(group.watermarkMs).toBe(OPEN_MS + MINUTE_MS);
  });

  it("is no_trade of one alone on the third tick; a second delivery of one answer is no tick", () => {
    const group = newGroup();
    const ask = (tick: number) => {
      const askedAt = SETTLED_MS + tick * MINUTE_MS;
      return [...group.take(poor(askedAt, { alone: true }), askedAt).evidence];
    };
    expect([ask(0), ask(0), ask(1), ask(1)]).toEqual([[], [], [], []]);
    expect(group.belief("KO", OPEN_MS)).toMatchObject({ state: "doubted", times: 2 });
    expect(ask(2)).toEqual(["absence_repeated"]);
    expect(group.belief("KO", OPEN_MS).state).toBe("no_trade");
  });
});
