import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  correctCredits,
  type CreditLane,
  type Credits,
  refillCredits,
  returnCredits,
  takeCredits,
} from "../../../src/domain/credits.ts";
import { floorToMinute } from "../../../src/domain/time.ts";

const MINUTE_MS = 60_000;
const START_MS = 1_774_013_400_000;
const LANES: readonly CreditLane[] = ["live", "T0", "T1", "T2"];

const asks = fc.array(
  fc.record({
    waitMs: fc.integer({ min: 0, max: 90_000 }),
    wanted: fc.integer({ min: 0, max: 20 }),
    lane: fc.constantFrom(...LANES),
  }),
  { minLength: 1, maxLength: 60 },
);
const rates = fc.integer({ min: 1, max: 1_000 });
const ASK = { wanted: 1, lane: "live" } as const;

const full = (perMinute: number, atMs = START_MS): Credits => ({
  left: perMinute,
  atMs,
  window: null,
  minute: null,
});
const empty = (perMinute: number, atMs = START_MS): Credits => ({
  ...full(perMinute, atMs),
  left: 0,
});

/** What was granted and when. */
function grantsOf(
  list: readonly { waitMs: number; wanted: number; lane: CreditLane }[],
  perMinute: number,
) {
  let credits: Credits | null = null;
  let nowMs = START_MS;
  return list.map(({ waitMs, wanted, lane }) => {
    nowMs += waitMs;
    const taken = takeCredits(credits, { wanted, lane, nowMs, perMinute });
    credits = taken.credits;
    return { atMs: nowMs, granted: taken.granted, wanted };
  });
}

/** Takes one at a time until a lane gets no more; how many it got. */
function drain(credits: Credits, lane: CreditLane, perMinute: number): number {
  let left = credits;
  for (let taken = 0; ; taken += 1) {
    const answer = takeCredits(left, { wanted: 1, lane, nowMs: credits.atMs, perMinute });
    if (answer.granted === 0) return taken;
    left = answer.credits;
  }
}

describe("the credits of a provider", () => {
  it("over any window are at most one burst and the rate of that window", () => {
    fc.assert(
      fc.property(asks, rates, (list, perMinute) => {
        const grants = grantsOf(list, perMinute);
        grants.forEach(({ atMs: fromMs }, from) => {
          let sum = 0;
          for (const { atMs, granted } of grants.slice(from)) {
            sum += granted;
            expect(sum).toBeLessThanOrEqual(
              perMinute + ((atMs - fromMs) * perMinute) / MINUTE_MS + 1e-6,
            );
          }
        });
      }),
    );
  });

  it("of a calendar minute are at most the plan's, whatever had been saved before it", () => {
    fc.assert(
      fc.property(asks, rates, (list, perMinute) => {
        const byMinute = new Map<number, number>();
        for (const { atMs, granted } of grantsOf(list, perMinute)) {
          const minuteMs = floorToMinute(atMs);
          byMinute.set(minuteMs, (byMinute.get(minuteMs) ?? 0) + granted);
        }
        for (const sum of byMinute.values()) expect(sum).toBeLessThanOrEqual(perMinute);
      }),
    );
    const spent = takeCredits(full(5), { ...ASK, wanted: 5, nowMs: START_MS, perMinute: 5 });
    let { credits } = spent;
    let granted = spent.granted;
    for (let second = 1; second < 60; second += 1) {
      const more = takeCredits(credits, { ...ASK, nowMs: START_MS + second * 1_000, perMinute: 5 });
      granted += more.granted;
      credits = more.credits;
    }
    expect(granted).toBe(5);
    const last = { ...ASK, nowMs: START_MS + 59_000, perMinute: 5 };
    expect(takeCredits(credits, last)).toMatchObject({ granted: 0, waitMs: 1_000 });
    expect(takeCredits(credits, { ...last, nowMs: START_MS + MINUTE_MS }).granted).toBe(1);
  });

  it("that come back unspent may be granted again in their minute", () => {
    let credits: Credits = full(60);
    let granted = 0;
    for (let take = 0; take < 20; take += 1) {
      const taken = takeCredits(credits, { ...ASK, wanted: 5, nowMs: START_MS, perMinute: 60 });
      granted += taken.granted;
      credits = taken.credits;
    }
    expect(granted).toBe(60);
    const returned = returnCredits(credits, 3);
    expect(
      takeCredits(returned, { ...ASK, wanted: 5, nowMs: START_MS, perMinute: 60 }).granted,
    ).toBe(3);
  });

  it("are never more than was asked for, nor than five seconds of the plan in one grant", () => {
    fc.assert(
      fc.property(asks, rates, (list, perMinute) => {
        for (const { granted, wanted } of grantsOf(list, perMinute)) {
          expect(granted).toBeGreaterThanOrEqual(0);
          expect(granted).toBeLessThanOrEqual(Math.min(wanted, Math.ceil(perMinute / 12)));
        }
      }),
    );
  });

  it("come back after the wait that was named, and not much earlier", () => {
    fc.assert(
      fc.property(
        rates,
        fc.integer({ min: 0, max: 59_999 }),
        fc.constantFrom(...LANES),
        (perMinute, afterMs, lane) => {
          const ask = { wanted: 1, lane, perMinute };
          const { credits, granted, waitMs } = takeCredits(empty(perMinute), {
            ...ask,
            nowMs: START_MS + afterMs,
          });
          if (granted > 0) return;
          const dueMs = START_MS + afterMs + waitMs;
          expect(waitMs).toBeGreaterThan(0);
          expect(takeCredits(credits, { ...ask, nowMs: dueMs }).granted).toBe(1);
          // rounded up to whole milliseconds, and one more where doubles do
          expect(takeCredits(credits, { ...ask, nowMs: dueMs - 2 }).granted).toBe(0);
        },
      ),
    );
  });

  it("are not given twice for the same time when a clock steps back and forth", () => {
    const ask = { wanted: 1, lane: "live", perMinute: 60 } as const;
    const back = takeCredits(empty(60, 120_000), { ...ask, nowMs: 60_000 });
    expect(back.granted).toBe(0);
    expect(takeCredits(back.credits, { ...ask, nowMs: 120_000 }).granted).toBe(0);
  });

  it("are none for a provider without a plan, to be asked for again later", () => {
    expect(
      takeCredits(null, { wanted: 1, lane: "live", nowMs: START_MS, perMinute: 0 }),
    ).toMatchObject({ granted: 0, waitMs: MINUTE_MS });
  });

  it("that come back unspent fill the bucket to a minute's worth at most", () => {
    const returned = returnCredits({ ...full(5), left: 4 }, 8);
    expect(refillCredits(returned, START_MS, 5).left).toBe(5);
    expect(returnCredits(null, 3)).toBeNull();
  });
});

describe("the lanes of the credits", () => {
  it.each([
    [200, [200, 160, 120, 80]],
    [5, [5, 4, 3, 2]],
    // The smallest plans still give each lane the last credit of a full bucket.
    [2, [2, 1, 1, 1]],
    [1, [1, 1, 1, 1]],
  ])("of a full bucket of %i may take %j", (perMinute, taken) => {
    expect(LANES.map((lane) => drain(full(perMinute), lane, perMinute))).toEqual(taken);
  });

  it("are ordered at any level of the bucket: what a later lane gets, an earlier one gets too", () => {
    fc.assert(
      fc.property(rates, fc.double({ min: 0, max: 1, noNaN: true }), (perMinute, level) => {
        const bucket = { ...full(perMinute), left: level * perMinute };
        const ask = { wanted: 1_000, nowMs: START_MS, perMinute };
        const granted = LANES.map((lane) => takeCredits(bucket, { ...ask, lane }).granted);
        expect(granted).toEqual(granted.toSorted((a, b) => b - a));
      }),
    );
  });
});

describe("what a provider says of its quota", () => {
  const RESET_MS = START_MS + 40_000;
  const live = (nowMs: number) => ({ wanted: 1_000, lane: "live", nowMs, perMinute: 600 }) as const;

  it("bounds what is granted until its reset, in all, and nothing after it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), asks, (remaining, list) => {
        let credits = correctCredits(full(600), { remaining, resetMs: RESET_MS }, START_MS, 600);
        let nowMs = START_MS;
        let sum = 0;
        for (const { waitMs, lane, wanted } of list) {
          nowMs = Math.min(nowMs + waitMs, RESET_MS - 1);
          const taken = takeCredits(credits, { wanted, lane, nowMs, perMinute: 600 });
          credits = taken.credits;
          sum += taken.granted;
        }
        expect(sum).toBeLessThanOrEqual(remaining);
        expect(takeCredits(credits, live(RESET_MS)).granted).toBeGreaterThan(0);
      }),
    );
  });

  it("empties the bucket at a 429 until the reset, whatever is given back meanwhile", () => {
    const limited = correctCredits(full(600), { remaining: 0, resetMs: RESET_MS }, START_MS, 600);
    const returned = returnCredits(limited, 8);
    expect(takeCredits(returned, live(START_MS + 1_000))).toMatchObject({
      granted: 0,
      waitMs: 39_000,
    });
    expect(takeCredits(returned, live(RESET_MS)).granted).toBeGreaterThan(0);
  });

  it("is the smaller of two that name the same reset, and the later of two that do not", () => {
    const say = (credits: Credits, remaining: number, resetMs: number) =>
      correctCredits(credits, { remaining, resetMs }, START_MS, 600);
    const low = say(full(600), 7, RESET_MS);
    expect(say(low, 9, RESET_MS).window?.left).toBe(7);
    expect(say(low, 599, RESET_MS + 1_000).window).toEqual({
      left: 599,
      untilMs: RESET_MS + 1_000,
    });
  });

  it("says nothing any more once its reset has passed", () => {
    const late = correctCredits(full(600), { remaining: 0, resetMs: START_MS }, START_MS, 600);
    expect(late).toEqual(full(600));
  });
});
