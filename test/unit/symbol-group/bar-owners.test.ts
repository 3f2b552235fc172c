import { describe, expect, it } from "vitest";
import { MinuteBeliefs } from "../../../src/domain/belief.ts";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import { barOwners } from "../../../src/symbol-group/bar-owners.ts";
import { MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const at = (index: number) => OPEN_MS + index * MINUTE_MS;

/** The beliefs of one minute: who gave the bar of each slot, null for one that did not trade. */
function minuteOf(givers: readonly (ProviderId | null)[]): MinuteBeliefs {
  const beliefs = new MinuteBeliefs(givers.length);
  givers.forEach((provider, slot) => {
    beliefs.set(
      slot,
      provider === null
        ? { state: "no_trade", askedAt: OPEN_MS }
        : {
            state: "bar",
            source: { provider, feed: "sip" },
            revision: 0,
            askedAt: OPEN_MS,
            fingerprint: [1, 1],
          },
    );
  });
  return beliefs;
}

function ownersOf(minutes: readonly (readonly (ProviderId | null)[])[]) {
  const range = { startMs: at(0), endMs: at(minutes.length) };
  return barOwners(range, (ts) => minuteOf(minutes[(ts - OPEN_MS) / MINUTE_MS] ?? []));
}

describe("whose bars a range holds", () => {
  it("is told as ranges, oldest first; adjacent minutes of one giver are one", () => {
    expect(ownersOf([["alpaca"], ["polygon"], ["polygon"], ["alpaca"]])).toEqual([
      { startMs: at(0), endMs: at(1), provider: "alpaca" },
      { startMs: at(1), endMs: at(3), provider: "polygon" },
      { startMs: at(3), endMs: at(4), provider: "alpaca" },
    ]);
  });

  it("is nobody's where nothing traded or nothing is known, which parts the ranges", () => {
    expect(ownersOf([["polygon"], [null], [], ["polygon"]])).toEqual([
      { startMs: at(0), endMs: at(1), provider: "polygon" },
      { startMs: at(3), endMs: at(4), provider: "polygon" },
    ]);
  });

  it("is of a minute who gave most of its bars", () => {
    expect(ownersOf([["alpaca", "polygon", null, "polygon"]])).toEqual([
      { startMs: at(0), endMs: at(1), provider: "polygon" },
    ]);
  });
});
