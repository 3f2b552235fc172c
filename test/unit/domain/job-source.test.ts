import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClaimEnd,
  firstJobSource,
  hearClaim,
  type JobSourceAct,
  type JobSourceState,
  MAX_SILENCE_MS,
  nextRoundMs,
} from "../../../src/domain/job-source.ts";
import { floorToMinute, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";

const START_MS = Date.UTC(2026, 2, 20, 13, 30);
const ANSWERED: ClaimEnd = { ok: true };
const SILENT: ClaimEnd = { ok: false, reason: "no answer" };

interface Heard {
  readonly nowMs: number;
  readonly act: JobSourceAct;
  readonly source: JobSourceState["source"];
}

/** Cron ticks and the rounds between them, as g00 runs them; a round takes `lagMs` to be heard. */
function play(minutes: number, claim: (nowMs: number) => ClaimEnd, lagMs = 0): Heard[] {
  let state = firstJobSource(START_MS);
  const heard: Heard[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    const tickMs = START_MS + minute * MINUTE_MS;
    for (let roundMs: number | null = tickMs; roundMs !== null && roundMs < tickMs + MINUTE_MS;) {
      const end = claim(roundMs);
      const nowMs = roundMs + lagMs;
      const result = hearClaim(state, end, nowMs);
      state = result.state;
      heard.push({ nowMs, act: result.act, source: state.source });
      roundMs = nextRoundMs(state, nowMs, true);
    }
  }
  return heard;
}

/** Silent in `[fromS, toS)`, seconds since the start; answered otherwise. */
function silentBetween(fromS: number, toS: number): (nowMs: number) => ClaimEnd {
  return (nowMs) => {
    const atS = (nowMs - START_MS) / SECOND_MS;
    return atS >= fromS && atS < toS ? SILENT : ANSWERED;
  };
}

const actsOf = (heard: readonly Heard[], minute: number) =>
  heard
    .filter(({ nowMs }) => floorToMinute(nowMs) === START_MS + minute * MINUTE_MS)
    .map(({ act }) => act);

describe("who is in charge of the polls", () => {
  it("is the sweeper from the first minute on when the coordinator never answered", () => {
    const heard = play(3, () => SILENT);
    expect(heard.map(({ act }) => act)).toEqual(["sweep", "sweep", "sweep"]);
  });

  it("is the coordinator while it answers, asked every ten seconds", () => {
    const heard = play(2, () => ANSWERED);
    expect(actsOf(heard, 1)).toEqual(["run", "run", "run", "run", "run", "run"]);
  });

  it("is the sweeper once the coordinator has been silent for 30 s, for that same minute", () => {
    const heard = play(3, silentBetween(60, 120));
    expect(actsOf(heard, 1)).toEqual(["wait", "wait", "wait", "sweep"]);
    expect(actsOf(heard, 2)).toEqual(["run", "run", "run", "run", "run", "run"]);
  });

  it("stays the coordinator over a silence that is shorter", () => {
    const heard = play(2, silentBetween(60, 90));
    expect(actsOf(heard, 1)).toEqual(["wait", "wait", "wait", "run", "run", "run"]);
    expect(heard.every(({ source }) => source === "rlc")).toBe(true);
  });

  it("is the sweeper with the next minute when the coordinator had begun this one", () => {
    const heard = play(3, silentBetween(70, 1_000));
    expect(actsOf(heard, 1)).toEqual(["run", "wait", "wait", "wait", "wait"]);
    expect(heard.findLast(({ nowMs }) => nowMs < START_MS + 2 * MINUTE_MS)?.source).toBe("sweeper");
    expect(actsOf(heard, 2)).toEqual(["sweep"]);
  });

  it("does not change within a minute that the sweeper has: late jobs are given back", () => {
    let { state } = hearClaim(firstJobSource(START_MS), SILENT, START_MS);
    const late = hearClaim(state, ANSWERED, START_MS + SECOND_MS);
    expect(late.act).toBe("give_back");
    ({ state } = late);
    expect(hearClaim(state, ANSWERED, START_MS + MINUTE_MS)).toMatchObject({
      act: "run",
      state: { source: "rlc", silence: null },
    });
  });

  it("tells since when nobody answers, and why", () => {
    const first = hearClaim(firstJobSource(START_MS), ANSWERED, START_MS).state;
    const second = hearClaim(first, SILENT, START_MS + SECOND_MS).state;
    const third = hearClaim(second, { ok: false, reason: "502" }, START_MS + 2 * SECOND_MS).state;
    expect(third.silence).toEqual({ sinceMs: START_MS + SECOND_MS, reason: "502" });
  });

  it("asks only at the ticks while the market is closed, unless it waits for an answer", () => {
    const there = hearClaim(firstJobSource(START_MS), ANSWERED, START_MS).state;
    expect(nextRoundMs(there, START_MS, false)).toBe(null);
    const silent = hearClaim(there, SILENT, START_MS + MINUTE_MS).state;
    expect(nextRoundMs(silent, START_MS, false)).toBe(START_MS + 10 * SECOND_MS);
  });

  it("asks at most six times a minute, however the instants at which it hears are scattered", () => {
    const there = hearClaim(firstJobSource(START_MS), ANSWERED, START_MS).state;
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(MINUTE_MS - 1), { minLength: 1 }), (heardAfterMs) => {
        const rounds = heardAfterMs.map((ms) => nextRoundMs(there, START_MS + ms, true));
        const inMinute = new Set(rounds.filter((ms) => ms !== null));
        expect(inMinute.size).toBeLessThanOrEqual(5);
        rounds.forEach((ms, index) => {
          const nowMs = START_MS + (heardAfterMs[index] ?? 0);
          expect(ms ?? START_MS + MINUTE_MS).toBeGreaterThan(nowMs);
          expect((ms ?? nowMs) - nowMs).toBeLessThanOrEqual(10 * SECOND_MS);
          if (ms === null) expect(nowMs).toBeGreaterThanOrEqual(START_MS + 50 * SECOND_MS);
        });
      }),
    );
  });

  it("is never both in one minute, is somebody within 30 s, and the coordinator once it answers", () => {
    const outages = fc.array(
      fc.record({ fromS: fc.nat(900), forS: fc.integer({ min: 1, max: 300 }) }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(outages, fc.nat(5_000), (periods, lagMs) => {
        const isSilent = (nowMs: number) =>
          periods.some(({ fromS, forS }) => silentBetween(fromS, fromS + forS)(nowMs) === SILENT);
        const heard = play(22, (nowMs) => (isSilent(nowMs) ? SILENT : ANSWERED), lagMs);
        for (let minute = 0; minute < 20; minute += 1) {
          const tickMs = START_MS + minute * MINUTE_MS;
          const given = heard.filter(
            ({ nowMs, act }) =>
              floorToMinute(nowMs) === tickMs && (act === "run" || act === "sweep"),
          );
          expect(new Set(given.map(({ act }) => act)).size).toBe(1);
          const waitedMs = (given[0]?.nowMs ?? Number.NaN) - tickMs;
          expect(waitedMs).toBeLessThanOrEqual(MAX_SILENCE_MS + lagMs);
        }
        // The last outage can end at 1,200 s at the latest.
        expect(actsOf(heard, 21)[0]).toBe("run");
      }),
      { numRuns: 500 },
    );
  });
});
