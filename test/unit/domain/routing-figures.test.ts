import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import {
  type Breaker,
  breakerScore,
  type BreakerState,
  breakerState,
  NEW_BREAKER,
  recordOutcome,
  takeProbe,
} from "../../../src/domain/breaker.ts";
import type { Outcome } from "../../../src/domain/health.ts";
import { scoreHealth } from "../../../src/domain/health.ts";
import { choose } from "../../../src/routing/choose.ts";

const { breaker: CONFIG, latency_cap_ms: CAP_MS } = serviceConfigSchema.parse({});
const START_MS = 1_774_013_400_000;

const call = (change: Partial<Outcome> = {}): Outcome => ({
  atMs: START_MS,
  ok: true,
  limited: false,
  durationMs: 0,
  asked: 100,
  answered: change.ok === false ? 0 : 100,
  ...change,
});
const calls = (count: number, change: Partial<Outcome> = {}) =>
  Array.from({ length: count }, () => call(change));

describe("the figures of the routing design", () => {
  it.each<[string, number, Outcome[], number]>([
    // 0.45 breaker + 0.25 latency + 0.20 error + 0.10 completeness, one part gone at a time.
    ["all parts whole", 1, calls(20), 1],
    ["breaker open", 0, calls(20), 0.55],
    ["breaker half-open", 0.5, calls(20), 0.775],
    ["p95 at the cap", 1, calls(20, { durationMs: 500 }), 0.75],
    ["p95 over the cap", 1, calls(20, { durationMs: 60_000 }), 0.75],
    ["p95 at half the cap", 1, calls(20, { durationMs: 250 }), 0.875],
    ["p95 of 150 ms, half-open", 0.5, calls(20, { durationMs: 150 }), 0.7],
    ["nothing answered in good calls", 1, calls(20, { answered: 0 }), 0.9],
    ["half answered", 1, calls(20, { answered: 50 }), 0.95],
    // A failed call counts as the latency cap: failing at once scores 0.45, not 0.69.
    ["100 % instant 502s", 1, calls(20, { ok: false }), 0.45],
    ["half of the calls failing at once", 1, [...calls(10, { ok: false }), ...calls(10)], 0.6],
    ["one in twenty slow is not the p95", 1, [call({ durationMs: 500 }), ...calls(19)], 1],
    ["two in twenty slow are the p95", 1, [...calls(2, { durationMs: 500 }), ...calls(18)], 0.75],
  ])("H of %s", (_name, breaker, window, h) => {
    expect(scoreHealth(breaker, window, CAP_MS).h).toBeCloseTo(h, 9);
  });

  it.each<[string, Partial<Outcome>, BreakerState]>([
    ["a perfect provider", {}, "closed"],
    ["p95 400 ms", { durationMs: 400 }, "closed"],
    ["p95 at the cap", { durationMs: 500 }, "closed"],
    ["good calls that answer nothing", { answered: 0 }, "closed"],
    // 0.45 + 0 + 0.20 + 0: between demote and promote it stays on trial.
    ["slow calls that answer nothing", { durationMs: 500, answered: 0 }, "half_open"],
    ["502s", { ok: false }, "open"],
  ])("three probes of %s, %j, leave it %s", (_name, change, state) => {
    const failed = calls(5, { ok: false }).reduce<Breaker>(
      (breaker, outcome) => recordOutcome(breaker, outcome, START_MS, CONFIG, CAP_MS),
      NEW_BREAKER,
    );
    const nowMs = START_MS + CONFIG.cooldown_s * 1_000;
    expect(breakerState(failed, nowMs)).toBe("half_open");
    const probed = calls(3, { ...change, atMs: nowMs }).reduce<Breaker>(
      (breaker, outcome) => recordOutcome(breaker, outcome, nowMs, CONFIG, CAP_MS),
      failed,
    );
    expect(breakerState(probed, nowMs)).toBe(state);
  });
});

describe("a breaker seen from outside, under any traffic", () => {
  const steps = fc.array(
    fc.record({
      ok: fc.boolean(),
      limited: fc.boolean(),
      durationMs: fc.integer({ min: 0, max: 800 }),
      answered: fc.integer({ min: 0, max: 100 }),
      waitMs: fc.integer({ min: 0, max: 20_000 }),
    }),
    { minLength: 1, maxLength: 200 },
  );
  type Step = {
    ok: boolean;
    limited: boolean;
    durationMs: number;
    answered: number;
    waitMs: number;
  };

  /** Calls as routing makes them: a closed one always, a half-open one by its probes, an open one never. */
  function watch(list: readonly Step[]) {
    let nowMs = START_MS;
    let breaker = NEW_BREAKER;
    const seen: { atMs: number; state: BreakerState; h: number; choice: string }[] = [];
    const look = () =>
      seen.push({
        atMs: nowMs,
        state: breakerState(breaker, nowMs),
        h: breakerScore(breaker, nowMs, CONFIG, CAP_MS).h,
        choice: JSON.stringify(
          choose([
            { id: "polygon", admission: { state: breakerState(breaker, nowMs), h: seen.length } },
            { id: "alpaca", admission: { state: "closed", h: 1 } },
          ]),
        ),
      });
    for (const { waitMs, ...change } of list) {
      nowMs += waitMs;
      look();
      const state = breakerState(breaker, nowMs);
      if (state === "open") continue;
      const probed = state === "half_open" ? takeProbe(breaker, nowMs) : breaker;
      if (probed === null) continue;
      const outcome = { ...change, atMs: nowMs, asked: 100, limited: !change.ok && change.limited };
      breaker = recordOutcome(probed, outcome, nowMs, CONFIG, CAP_MS);
      look();
    }
    return seen;
  }

  it("leaves closed at most once a cool-down, is away for a cool-down, and scores in [0, 1]", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const seen = watch(list);
        let leftMs = -Infinity;
        let wasClosed = true;
        for (const { atMs, state, h } of seen) {
          expect(h).toBeGreaterThanOrEqual(0);
          expect(h).toBeLessThanOrEqual(1);
          const isClosed = state === "closed";
          if (wasClosed !== isClosed) {
            expect(atMs - leftMs).toBeGreaterThanOrEqual(CONFIG.cooldown_s * 1_000);
            if (wasClosed) leftMs = atMs;
          }
          wasClosed = isClosed;
        }
      }),
    );
  });

  it("makes the same choices again of the same outcomes", () => {
    fc.assert(
      fc.property(steps, (list) => {
        expect(watch(list)).toEqual(watch(list));
      }),
    );
  });
});
