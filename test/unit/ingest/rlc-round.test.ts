import { describe, expect, it } from "vitest";
import type { ClaimedJob, JobAnswer } from "../../../src/contracts/rlc.ts";
import type { PartEnd, ReportedClaim } from "../../../src/contracts/rlc-desk.ts";
import type { JobPart } from "../../../src/domain/cut-jobs.ts";
import type { JobSourceAct } from "../../../src/domain/job-source.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { RlcError } from "../../../src/ingest/rlc-client.ts";
import { rlcRound, type RlcRoundDeps } from "../../../src/ingest/rlc-round.ts";

const NOW_MS = Date.UTC(2026, 2, 20, 14, 0);
const SYMBOL_GROUPS = 32;
const TODAY_MS = Date.UTC(2026, 2, 20);
const backfill = { type: "backfill", tier: "T1" };

function claimedJob(id: string, change: object = {}): ClaimedJob {
  const range = { interval: "1m", start_ms: NOW_MS - MINUTE_MS, end_ms: NOW_MS };
  const job = { v: 1, type: "bars", id, symbols: ["AAPL", "MSFT"], ...range, ...change };
  return { id, lease_ms: 60_000, job };
}

/** Runs a round against scripted sides; says in which order what was done. */
async function play(script: {
  claimed?: readonly ClaimedJob[] | Error;
  act?: JobSourceAct;
  answers?: readonly JobAnswer[];
  refusedParts?: boolean;
  deaf?: boolean;
  breakBeside?: boolean;
  handOver?: RlcRoundDeps["handOver"];
}) {
  const done: string[] = [];
  const heard: ReportedClaim[] = [];
  const told: JobAnswer[] = [];
  const parts: JobPart[] = [];
  const ends: PartEnd[] = [];
  const answered: string[] = [];
  const round = rlcRound({
    client: {
      claim: async (max) => {
        done.push(`claim ${max}`);
        if (script.claimed instanceof Error) throw script.claimed;
        return script.claimed ?? [];
      },
      answer: async (answer) => {
        if (script.deaf === true) throw new RlcError("no answer");
        told.push(answer);
      },
    },
    desk: {
      begin: async () => ({ max: 7, answers: script.answers ?? [] }),
      hear: async (claim) => {
        done.push("hear");
        heard.push(claim);
        return script.act ?? (claim.ok ? "run" : "wait");
      },
      partEnded: async (end) => void ends.push(end),
      answered: async (ids) => void answered.push(...ids),
    },
    handOver: async (group, own) => {
      done.push("hand over");
      if (script.handOver !== undefined) return await script.handOver(group, own);
      parts.push(...own);
      return script.refusedParts === true ? own.map(({ id }) => id) : [];
    },
    doBeside: async (job) => {
      done.push(`beside ${job.type} ${job.id}`);
      if (script.breakBeside === true) throw new Error("the database is away");
      return { id: job.id, nack: null };
    },
    queue: { rules: { calendar: createCalendar(), sessions: ["regular"] }, depthDays: 730 },
    symbolGroups: SYMBOL_GROUPS,
    now: () => NOW_MS,
    oldestMs: NOW_MS - 100 * MINUTE_MS,
  });
  return { act: await round, done, heard, told, parts, ends, answered };
}

describe("a round with the coordinator", () => {
  it("tells g00 of the jobs before a group can end its part of them", async () => {
    const { done, heard, parts } = await play({ claimed: [claimedJob("j")] });
    expect(done).toEqual(["claim 7", "hear", "hand over", "hand over"]);
    const groups = parts.map(({ group }) => group);
    expect(heard).toEqual([{ ok: true, jobs: [{ id: "j", leaseMs: 60_000, groups }] }]);
    expect(groups).toHaveLength(2);
  });

  it("says what kept it from the jobs, and touches no group", async () => {
    const { act, done, heard } = await play({ claimed: new RlcError("answered with 502") });
    expect(heard).toEqual([{ ok: false, reason: "answered with 502" }]);
    expect(done).toEqual(["claim 7", "hear"]);
    expect(act).toBe("wait");
  });

  it("breaks down loudly when the fault is our own", async () => {
    await expect(play({ claimed: new TypeError("a bug") })).rejects.toThrow("a bug");
  });

  it("gives jobs back when the minute is the sweeper's, until the next one", async () => {
    const { parts, told } = await play({ claimed: [claimedJob("j")], act: "give_back" });
    expect(parts).toEqual([]);
    expect(told).toMatchObject([
      { id: "j", nack: { reason: "sweeper_in_charge", retry_after_ms: MINUTE_MS } },
    ]);
  });

  it.each([
    ["invalid", { symbols: [] }, null],
    ["invalid", { id: "other" }, null],
    ["out_of_range", { interval: "1d", start_ms: 0, end_ms: DAY_MS }, null],
    [
      "too_early",
      { interval: "1d", start_ms: TODAY_MS, end_ms: TODAY_MS + DAY_MS },
      15 * MINUTE_MS,
    ],
    [
      "out_of_range",
      { ...backfill, start_ms: NOW_MS - 800 * DAY_MS, end_ms: NOW_MS - 790 * DAY_MS },
      null,
    ],
    ["out_of_range", { start_ms: NOW_MS - 101 * MINUTE_MS }, null],
    ["too_early", { end_ms: NOW_MS + MINUTE_MS }, MINUTE_MS],
    ["too_early", { start_ms: NOW_MS * 2, end_ms: NOW_MS * 2 + MINUTE_MS }, 86_400_000],
  ])("refuses as %s what says %j, and runs the rest", async (reason, change, retryMs) => {
    const claimed = [claimedJob("bad", change), claimedJob("good")];
    const { heard, told } = await play({ claimed });
    expect(told).toMatchObject([{ id: "bad", nack: { reason, retry_after_ms: retryMs } }]);
    expect(heard[0]).toMatchObject({ ok: true, jobs: [{ id: "good" }] });
  });

  it("does beside the polls what is none of them, also while the sweeper has the polls", async () => {
    const yesterday = { start_ms: TODAY_MS - DAY_MS, end_ms: TODAY_MS };
    const { v, id: _id, symbols } = { v: 1, id: "", symbols: ["AAPL"] };
    const claimed = [
      claimedJob("d", { interval: "1d", ...yesterday }),
      claimedJob("b", { ...backfill, start_ms: NOW_MS - DAY_MS }),
      { id: "q", lease_ms: 60_000, job: { v, id: "q", type: "quotes", symbols } },
    ];
    for (const act of ["run", "give_back"] as const) {
      const { done, told, parts } = await play({ claimed, act });
      expect(done.slice(2)).toEqual(["beside bars d", "beside backfill b", "beside quotes q"]);
      expect(told).toEqual(["d", "b", "q"].map((id) => ({ id, nack: null })));
      expect(parts).toEqual([]);
    }
    const broken = await play({ claimed, breakBeside: true });
    expect(broken.told).toEqual([]);
  });

  it("ends the parts that a group did not take, or could not be given", async () => {
    const refused = await play({ claimed: [claimedJob("j")], refusedParts: true });
    expect(refused.ends.map(({ jobs, end }) => [jobs, end])).toEqual([
      [["j"], "partial"],
      [["j"], "partial"],
    ]);
    const broken = await play({
      claimed: [claimedJob("j", { symbols: ["AAPL"] })],
      handOver: async () => {
        throw new Error("the group is gone");
      },
    });
    expect(broken.ends).toMatchObject([{ jobs: ["j"], end: "partial" }]);
  });

  it("tells how earlier jobs ended, and keeps what the coordinator did not hear", async () => {
    const answers = ["a", "b"].map((id) => ({ id, nack: null }));
    expect(await play({ answers })).toMatchObject({ told: answers, answered: ["a", "b"] });
    expect(await play({ answers, deaf: true })).toMatchObject({ answered: [] });
  });
});
