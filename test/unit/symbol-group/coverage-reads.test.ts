import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Belief, MinuteBeliefs } from "../../../src/domain/belief.ts";
import type { Coverage } from "../../../src/domain/coverage.ts";
import type { RangeSet } from "../../../src/domain/range.ts";
import { Roster } from "../../../src/domain/roster.ts";
import { readCoverage } from "../../../src/symbol-group/coverage-reads.ts";
import {
  CALENDAR,
  member,
  minuteKeys,
  MINUTE_MS,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const MINUTES = 8;
const at = (index: number) => OPEN_MS + index * MINUTE_MS;

const beliefs: fc.Arbitrary<Belief> = fc.constantFrom<Belief>(
  { state: "unknown" },
  { state: "unfillable" },
  { state: "absent", askedAt: OPEN_MS },
  { state: "no_trade", askedAt: OPEN_MS },
  { state: "doubted", askedAt: OPEN_MS, times: 1 },
  { state: "lost", source: { provider: "alpaca", feed: "sip" }, revision: 2, askedAt: OPEN_MS },
  {
    state: "bar",
    source: { provider: "alpaca", feed: "sip" },
    revision: 0,
    askedAt: OPEN_MS,
    fingerprint: [1, 2],
  },
);

/** A member with its beliefs minute by minute, from the first of the session. */
const symbols = fc.record({
  sinceIndex: fc.integer({ min: -2, max: MINUTES + 1 }),
  tier: fc.constantFrom("T0", "T1", "T2"),
  active: fc.boolean(),
  beliefs: fc.array(beliefs, { minLength: MINUTES, maxLength: MINUTES }),
});
const worlds = fc.record({
  members: fc.array(symbols, { minLength: 1, maxLength: 4 }),
  nowS: fc.integer({ min: 0, max: (MINUTES + 5) * 60 }),
  from: fc.integer({ min: 0, max: MINUTES }),
  length: fc.integer({ min: 0, max: MINUTES }),
});
type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

const nameOf = (slot: number) => `S${slot}`;

function cellsOf({ members, nowS, from, length }: World, keptFromMs: number) {
  const roster = new Roster(
    members.map(({ sinceIndex, tier, active }, slot) =>
      member(slot, nameOf(slot), { sinceMs: at(sinceIndex), tier, active }),
    ),
  );
  const beliefsAt = (ts: number): MinuteBeliefs => {
    const minute = new MinuteBeliefs(members.length);
    members.forEach((one, slot) =>
      minute.set(slot, one.beliefs[(ts - OPEN_MS) / MINUTE_MS] ?? { state: "unknown" }),
    );
    return minute;
  };
  const window = {
    startMs: at(from),
    endMs: at(Math.min(from + length, MINUTES)),
    symbols: [...members.map((_, slot) => nameOf(slot)), "NOBODY"],
  };
  const view = { roster, calendar: CALENDAR, settleDelayMs: SETTLE_DELAY_MS, beliefsAt };
  return readCoverage([window], view, keptFromMs, OPEN_MS + nowS * 1_000);
}

/** The word of the rules about one minute; null when it is owed by nobody. */
function wordOf(world: World, slot: number, index: number): string | null {
  const one = world.members[slot];
  if (one === undefined || one.tier === "T2" || !one.active || index < one.sinceIndex) return null;
  if ((index + 1) * 60 > world.nowS) return null;
  const state = one.beliefs[index]?.state ?? "unknown";
  if (state === "unfillable" || state === "lost") return "missing";
  if (state === "doubted") return "pending";
  if (state === "bar" || state === "no_trade") return state;
  return world.nowS >= (index + 2) * 60 + SETTLE_DELAY_MS / 1_000 ? "missing" : "pending";
}

const keysOf = (ranges: RangeSet) =>
  ranges.flatMap(({ startMs, endMs }) => minuteKeys("", startMs, endMs));

function naive(world: World, slot: number) {
  const words: [number, string | null][] = [];
  for (let i = world.from; i < Math.min(world.from + world.length, MINUTES); i += 1)
    words.push([i, wordOf(world, slot, i)]);
  const having = (word: string) => words.filter(([, own]) => own === word).map(([i]) => i);
  const keys = (word: string) => having(word).flatMap((i) => minuteKeys("", at(i), at(i + 1)));
  return {
    expected: words.filter(([, word]) => word !== null).length,
    got: having("bar").length,
    noTrade: having("no_trade").length,
    missing: having("missing").length,
    pending: having("pending").length,
    missingKeys: keys("missing"),
    pendingKeys: keys("pending"),
  };
}

function flat({ missingRanges, pendingRanges, ...counts }: Coverage) {
  return { ...counts, missingKeys: keysOf(missingRanges), pendingKeys: keysOf(pendingRanges) };
}

describe("the coverage that a group counts from its beliefs", () => {
  it("adds up and is what the rules say of each minute, whatever is believed", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const cells = cellsOf(world, 0);
        expect(cells.map(({ symbol }) => symbol)).toEqual(world.members.map((_, i) => nameOf(i)));
        cells.forEach(({ coverage, sinceMs }, slot) => {
          const one = world.members[slot];
          const owed = one !== undefined && one.active && one.tier !== "T2";
          expect(sinceMs).toBe(owed ? at(one.sinceIndex) : null);
          // What is not owed is left to Postgres.
          const isOwedAny = owed && one.sinceIndex < Math.min(world.from + world.length, MINUTES);
          expect(coverage !== null).toBe(isOwedAny);
          if (coverage === null) return;
          const { expected, got, noTrade, missing, pending } = coverage;
          expect(got + noTrade + missing + pending).toBe(expected);
          expect(flat(coverage)).toEqual(naive(world, slot));
        });
      }),
      { numRuns: 300 },
    );
  });

  it("is left to Postgres for a session whose beliefs are gone", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const { coverage } of cellsOf(world, at(world.from) + 1)) expect(coverage).toBeNull();
      }),
      { numRuns: 20 },
    );
  });

  it("counts no minute outside the regular session", () => {
    const minutes = { beliefs: [], sinceIndex: -60, tier: "T0", active: true } as const;
    const world = { members: [{ ...minutes, beliefs: [] }], nowS: 600, from: -30, length: 31 };
    expect(cellsOf(world, 0)[0]?.coverage).toMatchObject({ expected: 1, missing: 1 });
  });
});
