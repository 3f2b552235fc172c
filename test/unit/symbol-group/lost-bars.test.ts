import { describe, expect, it } from "vitest";
import { type Belief, MinuteBeliefs } from "../../../src/domain/belief.ts";
import { fingerprintOf } from "../../../src/domain/fingerprint.ts";
import {
  isComplete,
  minuteState,
  withAbsence,
  withDoubt,
} from "../../../src/domain/minute-state.ts";
import { judge } from "../../../src/domain/revision.ts";
import { Roster } from "../../../src/domain/roster.ts";
import { type Answer, classify } from "../../../src/symbol-group/classify.ts";
import {
  answerOf,
  barOf,
  CALENDAR,
  member,
  MINUTE_MS,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const ASKED_MS = OPEN_MS + MINUTE_MS;
const LATE_MS = OPEN_MS + 100 * MINUTE_MS;
const ALPACA = { provider: "alpaca", feed: "sip" } as const;
const LOST = { state: "lost", source: ALPACA, revision: 4, askedAt: ASKED_MS } as const;

function take(answer: Answer) {
  const beliefs = new MinuteBeliefs(1);
  beliefs.set(0, LOST);
  return classify(answer, {
    roster: new Roster([member(0, "AAPL")]),
    calendar: CALENDAR,
    settleDelayMs: SETTLE_DELAY_MS,
    nowMs: LATE_MS,
    beliefsAt: () => beliefs,
  });
}

describe("a bar that Postgres lost", () => {
  it("is missing from the first moment on, and not complete", () => {
    expect(minuteState(LOST, OPEN_MS, OPEN_MS, SETTLE_DELAY_MS)).toBe("missing");
    expect(isComplete(LOST)).toBe(false);
  });

  it("comes back as the next revision, equal or not, whoever brings it, and fills its hole", () => {
    for (const source of [
      ALPACA,
      { provider: "polygon", feed: "delayed_sip" },
      { provider: "alpaca", feed: "iex" },
    ] as const) {
      const bars = [barOf("AAPL", OPEN_MS)];
      const { minutes, verdicts } = take(answerOf(LATE_MS, { source, bars }));
      expect(verdicts).toMatchObject({ updated: 1, first: 0 });
      const [minute] = minutes;
      expect(minute?.resolvedSlots).toEqual([0]);
      expect(minute?.changedSlots).toEqual(new Set([0]));
      expect(minute?.rows.map((row) => [row[9], row[10], row[12]])).toEqual([
        [5, source.provider, "updated"],
      ]);
      expect(minute?.beliefs.get(0)).toMatchObject({ state: "bar", source, revision: 5 });
    }
  });

  it("comes back from the very answer that brought it, but not from an older one of the same source", () => {
    const verdictOf = (askedAt: number, provider: "alpaca" | "polygon" = "alpaca") =>
      judge(LOST, {
        source: { provider, feed: "sip" },
        askedAt,
        fingerprint: fingerprintOf(barOf("AAPL", OPEN_MS)),
        settle: false,
      });
    expect([verdictOf(ASKED_MS), verdictOf(ASKED_MS - 1)]).toEqual(["updated", "stale"]);
    expect(verdictOf(ASKED_MS - 1, "polygon")).toBe("updated");
  });

  it("stays lost when a plausible answer has no bar: that it traded is known", () => {
    const covered = [{ symbols: ["AAPL"], startMs: OPEN_MS, endMs: OPEN_MS + MINUTE_MS }];
    expect(take(answerOf(LATE_MS, { covered })).minutes).toEqual([]);
    expect(withAbsence(LOST, OPEN_MS, LATE_MS, SETTLE_DELAY_MS)).toBe(LOST);
    const doubts = [0, 1, 2, 3].reduce<Belief>(
      (before, more) =>
        withDoubt(before, OPEN_MS, { askedAt: LATE_MS + more, alone: true }, SETTLE_DELAY_MS),
      LOST,
    );
    expect(doubts).toBe(LOST);
  });
});
