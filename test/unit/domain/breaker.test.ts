import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import {
  type Breaker,
  type BreakerConfig,
  breakerScore,
  breakerState,
  hearOutage,
  NEW_BREAKER,
  recordOutcome,
  RETURN_PROBES,
  takeProbe,
} from "../../../src/domain/breaker.ts";
import type { Outcome } from "../../../src/domain/health.ts";
import { scoreHealth } from "../../../src/domain/health.ts";

const CONFIG = serviceConfigSchema.parse({}).breaker;
const CAP_MS = 500;
const START_MS = 1_774_013_400_000;

function outcome(atMs: number, change: Partial<Outcome> = {}): Outcome {
  return {
    atMs,
    ok: true,
    limited: false,
    durationMs: 100,
    asked: 100,
    answered: change.ok === false ? 0 : 100,
    ...change,
  };
}

/** Records outcomes one second apart from `startMs`. */
function recordAll(
  breaker: Breaker,
  changes: readonly Partial<Outcome>[],
  startMs: number,
  config: BreakerConfig = CONFIG,
): Breaker {
  return changes.reduce<Breaker>(
    (state, change, i) =>
      recordOutcome(
        state,
        outcome(startMs + i * 1_000, change),
        startMs + i * 1_000,
        config,
        CAP_MS,
      ),
    breaker,
  );
}

const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);
const FAILING = { ok: false, durationMs: 3 };
const opened = () => recordAll(NEW_BREAKER, times(5, FAILING), START_MS);
const HALF_OPEN_MS = START_MS + 4_000 + 30_000;

describe("the health score", () => {
  it.each([
    ["nothing known", 1, [], 1],
    ["a provider failing fast and answering nothing", 1, times(20, outcome(0, FAILING)), 0.45],
    ["a perfect provider at 400 ms", 1, times(20, outcome(0, { durationMs: 400 })), 0.8],
    ["a perfect but slow provider", 1, times(20, outcome(0, { durationMs: 5_000 })), 0.75],
    ["the same when half-open", 0.5, times(20, outcome(0, { durationMs: 400 })), 0.575],
    [
      "one failure in twenty is not the 95th percentile",
      1,
      [outcome(0, FAILING), ...times(19, outcome(0, { durationMs: 0 }))],
      0.985,
    ],
  ])("of %s", (_name, breaker, window, h) => {
    expect(scoreHealth(breaker, window, CAP_MS).h).toBeCloseTo(h, 9);
  });

  it("lies in [0, 1] with all its parts", () => {
    const outcomes = fc.record({
      atMs: fc.constant(0),
      ok: fc.boolean(),
      limited: fc.boolean(),
      durationMs: fc.integer({ min: 0, max: 60_000 }),
      asked: fc.integer({ min: 0, max: 1_000 }),
      answered: fc.integer({ min: 0, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(0, 0.5, 1), fc.array(outcomes), (breaker, window) => {
        for (const part of Object.values(scoreHealth(breaker, window, CAP_MS))) {
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("a closed breaker", () => {
  it("opens at the fifth instant 502 in a row, whether fresh or after twenty good calls", () => {
    for (const past of [[], times(20, {})]) {
      const before = recordAll(NEW_BREAKER, past, START_MS - 60_000);
      const four = recordAll(before, times(4, FAILING), START_MS);
      expect(breakerState(four, START_MS + 3_000)).toBe("closed");
      expect(breakerState(recordAll(before, times(5, FAILING), START_MS), START_MS + 4_000)).toBe(
        "open",
      );
    }
  });

  it("opens at five failed calls in a row whatever came before, and however large they were", () => {
    const before = fc.array(
      fc.record({
        ok: fc.boolean(),
        limited: fc.boolean(),
        durationMs: fc.integer({ min: 0, max: 800 }),
        asked: fc.integer({ min: 0, max: 1_000 }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(before, fc.integer({ min: 1, max: 1_000 }), (calls, asked) => {
        const past = recordAll(NEW_BREAKER, calls, START_MS - 60_000);
        const failed = recordAll(past, times(5, { ...FAILING, asked }), START_MS);
        expect(breakerState(failed, START_MS + 4_000)).toBe("open");
      }),
    );
  });

  it("stays closed for a provider that is only slow, and for one failure in ten", () => {
    expect(recordAll(NEW_BREAKER, times(40, { durationMs: 4_999 }), START_MS).opened).toBeNull();
    const some = Array.from({ length: 60 }, (_, i) => (i % 10 === 0 ? FAILING : {}));
    expect(recordAll(NEW_BREAKER, some, START_MS).opened).toBeNull();
  });

  it("forgets calls older than ten minutes", () => {
    const failed = recordAll(NEW_BREAKER, times(4, FAILING), START_MS);
    expect(recordAll(failed, [FAILING], START_MS + 700_000).opened).toBeNull();
  });
});

describe("an open breaker", () => {
  it("is half-open after its cool-down and closes after three good probes of a provider at 400 ms", () => {
    const breaker = opened();
    expect(breakerState(breaker, HALF_OPEN_MS - 1)).toBe("open");
    expect(breakerState(breaker, HALF_OPEN_MS)).toBe("half_open");
    const two = recordAll(breaker, times(2, { durationMs: 400 }), HALF_OPEN_MS);
    expect(breakerState(two, HALF_OPEN_MS + 1_000)).toBe("half_open");
    const three = recordAll(breaker, times(3, { durationMs: 400 }), HALF_OPEN_MS);
    expect(breakerState(three, HALF_OPEN_MS + 2_000)).toBe("closed");
  });

  it("opens again for twice as long at each failed return, ten minutes at most", () => {
    let breaker = opened();
    const waits: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const open = breaker.opened;
      if (open === null) throw new Error("closed");
      waits.push(open.cooldownMs / 1_000);
      breaker = recordAll(breaker, times(3, FAILING), open.atMs + open.cooldownMs);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });

  it("does not count what was asked before it was half-open", () => {
    const late = times(3, outcome(HALF_OPEN_MS - 1)).reduce(
      (state, probe) => recordOutcome(state, probe, HALF_OPEN_MS + 1_000, CONFIG, CAP_MS),
      opened(),
    );
    expect(breakerState(late, HALF_OPEN_MS + 1_000)).toBe("half_open");
  });

  it("lets three probes through, and others when those have not reported within a minute", () => {
    let breaker = opened();
    expect(takeProbe(breaker, HALF_OPEN_MS - 1)).toBeNull();
    for (let i = 0; i < RETURN_PROBES; i += 1)
      breaker = takeProbe(breaker, HALF_OPEN_MS) ?? NEW_BREAKER;
    expect(takeProbe(breaker, HALF_OPEN_MS + 60_000)).toBeNull();
    expect(takeProbe(breaker, HALF_OPEN_MS + 60_001)?.opened?.probes).toBe(1);
  });

  it("stays isolated whatever is reported, with a score without the breaker's share", () => {
    const isolated = recordAll(
      { ...NEW_BREAKER, isolated: true },
      times(20, { durationMs: 0 }),
      START_MS,
    );
    expect(breakerState(isolated, START_MS + 20_000)).toBe("isolated");
    expect(breakerScore(isolated, START_MS + 20_000, CONFIG, CAP_MS).h).toBeCloseTo(0.55, 9);
  });
});

describe("a breaker under any outcomes", () => {
  const steps = fc.array(
    fc.record({
      ok: fc.boolean(),
      durationMs: fc.integer({ min: 0, max: 800 }),
      waitMs: fc.integer({ min: 0, max: 45_000 }),
    }),
    { minLength: 1, maxLength: 150 },
  );

  function run(list: readonly { ok: boolean; durationMs: number; waitMs: number }[]): Breaker[] {
    let nowMs = START_MS;
    let breaker = NEW_BREAKER;
    return list.map(({ ok, durationMs, waitMs }) => {
      nowMs += waitMs;
      breaker = recordOutcome(breaker, outcome(nowMs, { ok, durationMs }), nowMs, CONFIG, CAP_MS);
      return breaker;
    });
  }

  it("never opens twice within a cool-down, keeps at most a window, and does the same again", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const states = run(list);
        const openings = [...new Set(states.map((state) => state.opened?.atMs))].filter(
          (at) => at !== undefined,
        );
        openings
          .slice(1)
          .forEach((at, i) => expect(at - (openings[i] ?? 0)).toBeGreaterThanOrEqual(30_000));
        expect(Math.max(...states.map((state) => state.window.length))).toBeLessThanOrEqual(
          CONFIG.window_calls,
        );
        expect(run(list)).toEqual(states);
      }),
    );
  });
});

describe("any breaker config that is accepted", () => {
  const configs = fc
    .record({
      min_calls: fc.integer({ min: 1, max: 20 }),
      run_of_failures: fc.integer({ min: 1, max: 20 }),
      window_calls: fc.integer({ min: 1, max: 20 }),
    })
    .map((breaker) => serviceConfigSchema.safeParse({ breaker }))
    .filter((parsed) => parsed.success)
    .map(({ data }) => data?.breaker ?? CONFIG);

  it("opens for a provider that always fails, and closes again for a perfect one", () => {
    fc.assert(
      fc.property(configs, (config) => {
        const dead = recordAll(NEW_BREAKER, times(60, FAILING), START_MS, {
          ...config,
          max_cooldown_s: 30,
        });
        expect(dead.opened).not.toBeNull();
        const halfOpenMs = (dead.opened?.atMs ?? 0) + (dead.opened?.cooldownMs ?? 0);
        expect(recordAll(dead, times(60, {}), halfOpenMs, config).opened).toBeNull();
      }),
    );
  });
});

describe("what is heard of another provider on the same host", () => {
  const outage = outcome(START_MS, { ok: false, transport: true, durationMs: 5_000 });
  const hear = (breaker: Breaker, nowMs: number) =>
    hearOutage(breaker, { ...outage, atMs: nowMs }, nowMs, CONFIG, CAP_MS);
  const hearFive = (breaker: Breaker, fromMs: number) =>
    [0, 1, 2, 3, 4].reduce((state, i) => hear(state, fromMs + i * 1_000), breaker);

  it("opens a breaker that knows nothing of its own", () => {
    expect(breakerState(hearFive(NEW_BREAKER, START_MS), START_MS + 5_000)).toBe("open");
  });

  it("is not believed while own calls went well within the last minute", () => {
    const own = recordOutcome(NEW_BREAKER, outcome(START_MS), START_MS, CONFIG, CAP_MS);
    expect(hearFive(own, START_MS + 50_000)).toBe(own);
    expect(hearFive(own, START_MS + 60_000).opened).not.toBeNull();
  });

  it("leaves the return of an open breaker to its own probes", () => {
    const breaker = opened();
    expect(hear(breaker, HALF_OPEN_MS)).toBe(breaker);
  });

  it("never opens one that is asked each minute, however long the other hangs", () => {
    let breaker = NEW_BREAKER;
    for (let second = 0; second < 3_600; second += 15) {
      const nowMs = START_MS + second * 1_000;
      if (second % 60 === 0)
        breaker = recordOutcome(breaker, outcome(nowMs), nowMs, CONFIG, CAP_MS);
      breaker = hear(breaker, nowMs);
    }
    expect(breaker.opened).toBeNull();
  });
});
