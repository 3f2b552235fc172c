import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Belief, UNKNOWN } from "../../../src/domain/belief.ts";
import {
  isComplete,
  minuteState,
  withAbsence,
  withDoubt,
} from "../../../src/domain/minute-state.ts";
import { MINUTE_MS, OPEN_MS, SETTLE_DELAY_MS } from "../../support/naive-group.ts";

const SETTLED_MS = OPEN_MS + MINUTE_MS + SETTLE_DELAY_MS;
const BAR: Belief = {
  state: "bar",
  source: { provider: "alpaca", feed: "sip" },
  revision: 1,
  askedAt: OPEN_MS,
  fingerprint: [1, 2],
};
const COMPLETE: readonly Belief[] = [
  BAR,
  { state: "no_trade", askedAt: OPEN_MS },
  { state: "unfillable" },
];

/** The belief after poor answers asked at these times, in this order. */
function doubt(belief: Belief, askedAts: readonly number[], alone: boolean): Belief {
  return askedAts.reduce<Belief>(
    (before, askedAt) => withDoubt(before, OPEN_MS, { askedAt, alone }, SETTLE_DELAY_MS),
    belief,
  );
}

describe("a minute of which only implausible answers came", () => {
  it("is pending while the polls look at it again, then missing, and never complete", () => {
    const belief = doubt(UNKNOWN, [SETTLED_MS], false);
    expect(belief).toEqual({ state: "doubted", askedAt: SETTLED_MS, times: 0 });
    const stateAfter = (minutes: number) =>
      minuteState(belief, OPEN_MS, SETTLED_MS + minutes * 60_000, SETTLE_DELAY_MS);
    expect([stateAfter(0), stateAfter(25), stateAfter(26)]).toEqual([
      "pending",
      "pending",
      "missing",
    ]);
    expect(isComplete(belief)).toBe(false);
  });

  it("did not trade when its only provider has said so on three ticks", () => {
    const ticks = [SETTLED_MS, SETTLED_MS + MINUTE_MS, SETTLED_MS + 2 * MINUTE_MS];
    expect(doubt(UNKNOWN, ticks.slice(0, 2), true).state).toBe("doubted");
    expect(doubt(UNKNOWN, ticks, true)).toEqual({ state: "no_trade", askedAt: ticks[2] });
  });

  it("is not believed before it has settled, be it said three times; the first answer after it is enough", () => {
    const early = [1, 2, 3, 4].map((back) => SETTLED_MS - back).toReversed();
    const belief = doubt(UNKNOWN, early, true);
    expect(belief).toEqual({ state: "doubted", askedAt: SETTLED_MS - 1, times: 3 });
    expect(doubt(belief, [SETTLED_MS], true).state).toBe("no_trade");
  });

  it("is never believed of one while another could be asked", () => {
    const ticks = Array.from({ length: 50 }, (_, index) => SETTLED_MS + index * MINUTE_MS);
    expect(doubt(UNKNOWN, ticks, false).state).toBe("doubted");
  });

  it("counts one answer once, however often it is delivered, and none that was asked before another", () => {
    const askedAt = fc.integer({ min: SETTLED_MS, max: SETTLED_MS + 5 });
    fc.assert(
      fc.property(fc.array(askedAt, { maxLength: 12 }), (askedAts) => {
        let [newest, counted] = [-Infinity, 0];
        for (const each of askedAts) {
          if (each <= newest) continue;
          newest = each;
          counted += 1;
        }
        const belief = doubt(UNKNOWN, askedAts, true);
        if (counted >= 3) expect(belief.state).toBe("no_trade");
        else if (counted > 0) {
          expect(belief).toEqual({ state: "doubted", askedAt: newest, times: counted });
        }
      }),
    );
  });

  it("leaves what is complete as it is: neither doubt nor absence takes a bar away", () => {
    for (const belief of COMPLETE) {
      expect(doubt(belief, [SETTLED_MS, SETTLED_MS + 1, SETTLED_MS + 2], true)).toBe(belief);
      expect(withAbsence(belief, OPEN_MS, SETTLED_MS, SETTLE_DELAY_MS)).toBe(belief);
    }
  });

  it("is settled by one plausible answer asked after it has settled", () => {
    const belief = doubt(UNKNOWN, [SETTLED_MS], false);
    const after = withAbsence(belief, OPEN_MS, SETTLED_MS + 1, SETTLE_DELAY_MS);
    expect(after).toEqual({ state: "no_trade", askedAt: SETTLED_MS + 1 });
  });

  it("does not weaken a plausible absence that was asked later", () => {
    const absent: Belief = { state: "absent", askedAt: OPEN_MS + 70_000 };
    expect(doubt(absent, [OPEN_MS + 65_000], true)).toBe(absent);
    expect(doubt(absent, [OPEN_MS + 75_000], true)).toMatchObject({ state: "doubted", times: 1 });
  });
});
