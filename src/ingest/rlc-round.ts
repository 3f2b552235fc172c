import type { BarsFetchJob, Job } from "../contracts/jobs.ts";
import { MAX_JOB_SYMBOLS } from "../contracts/job-fields.ts";
import type { JobAnswer } from "../contracts/rlc.ts";
import type { PartEnd, ReportedClaim, RoundStart } from "../contracts/rlc-desk.ts";
import { cutAlongGroups, type JobPart } from "../domain/cut-jobs.ts";
import type { JobSourceAct } from "../domain/job-source.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { errorText, log } from "../platform/log.ts";
import { judgeClaim, type ClaimVerdict, type QueueRange } from "./judge-claim.ts";
import { type RlcClient, RlcError } from "./rlc-client.ts";

/** What a round needs of the world. */
export interface RlcRoundDeps {
  readonly client: RlcClient;
  /** Group g00, which keeps who is in charge and how far the claimed jobs are. */
  readonly desk: {
    begin(): Promise<RoundStart>;
    hear(claim: ReportedClaim): Promise<JobSourceAct>;
    partEnded(end: PartEnd): Promise<void>;
    /** The coordinator knows how these jobs ended. */
    answered(ids: readonly string[]): Promise<void>;
  };
  /** Gives a group its parts; answers the ids of those that it did not take. */
  readonly handOver: (group: number, parts: readonly JobPart[]) => Promise<readonly string[]>;
  /** Does a job that is no poll, to its end or into the hands of a queue. */
  readonly doBeside: (job: Job) => Promise<JobAnswer>;
  /** What a queue may be asked to fill. */
  readonly queue: QueueRange;
  readonly symbolGroups: number;
  /** Market time, and the oldest minute that is fetched live. */
  readonly now: () => EpochMs;
  readonly oldestMs: EpochMs;
}

/** Answers that are on their way at once: a Worker has six connections. */
const ANSWERS_AT_A_TIME = 6;

/**
 * One round with the coordinator: claim, learn from g00 who is in charge, hand the jobs to the groups,
 * tell how jobs have ended. Answers what the caller has to do: `sweep` means that the polls of this
 * minute are the sweeper's. A crash anywhere leaves leases that end, and the jobs are offered again.
 */
export async function rlcRound(deps: RlcRoundDeps): Promise<JobSourceAct> {
  const { desk } = deps;
  const start = await desk.begin();
  const claimed = await claim(deps, start.max);
  if (!claimed.ok) return await desk.hear({ ok: false, reason: claimed.reason });
  const runs = claimed.verdicts.filter((verdict) => "run" in verdict);
  const parts = cutAlongGroups(runs.map(cuttable), deps.symbolGroups, MAX_JOB_SYMBOLS);
  const act = await desk.hear({
    ok: true,
    jobs: runs.map(({ run, leaseMs }) => ({ id: run.id, leaseMs, groups: groupsOf(run, parts) })),
  });
  const refused = claimed.verdicts.flatMap((verdict) =>
    "refuse" in verdict ? [verdict.refuse] : [],
  );
  const beside = claimed.verdicts.flatMap((verdict) =>
    "beside" in verdict ? [verdict.beside] : [],
  );
  if (act === "give_back") refused.push(...runs.map(({ run }) => givenBack(run, deps.now())));
  else await handOver(deps, parts);
  await answer(deps, [...start.answers, ...refused, ...(await doBeside(deps, beside))]);
  return act;
}

type Claimed =
  | { readonly ok: true; readonly verdicts: ClaimVerdict[] }
  | { readonly ok: false; readonly reason: string };

async function claim(deps: RlcRoundDeps, max: number): Promise<Claimed> {
  try {
    const jobs = await deps.client.claim(max);
    const live = { nowMs: deps.now(), oldestMs: deps.oldestMs };
    return { ok: true, verdicts: jobs.map((job) => judgeClaim(job, live, deps.queue)) };
  } catch (error) {
    if (!(error instanceof RlcError)) throw error;
    return { ok: false, reason: errorText(error) };
  }
}

function cuttable(verdict: { run: BarsFetchJob }) {
  const { id, symbols, priority, start_ms: startMs, end_ms: endMs } = verdict.run;
  return { id, symbols, priority, startMs, endMs };
}

function groupsOf(job: BarsFetchJob, parts: readonly JobPart[]): number[] {
  return parts.filter((part) => part.jobs.includes(job.id)).map((part) => part.group);
}

function givenBack(job: BarsFetchJob, nowMs: EpochMs): JobAnswer {
  const nack = {
    reason: "sweeper_in_charge" as const,
    detail: "",
    retry_after_ms: MINUTE_MS - (nowMs % MINUTE_MS),
  };
  return { id: job.id, nack };
}

/** One after the other: a provider's credits are not spent faster by asking at once. */
async function doBeside(deps: RlcRoundDeps, jobs: readonly Job[]): Promise<JobAnswer[]> {
  const answers: JobAnswer[] = [];
  for (const job of jobs) {
    try {
      answers.push(await deps.doBeside(job));
    } catch (error) {
      // Its lease ends, and it is offered again.
      log("error", "a coordinator's job broke down", { type: job.type, error: errorText(error) });
    }
  }
  return answers;
}

/** Each group gets its parts; what one does not take, or cannot, has ended without an answer. */
async function handOver(deps: RlcRoundDeps, parts: readonly JobPart[]): Promise<void> {
  const groups = new Map<number, JobPart[]>();
  for (const part of parts) groups.set(part.group, [...(groups.get(part.group) ?? []), part]);
  await Promise.all(
    [...groups].map(async ([group, own]) => {
      const left = await deps.handOver(group, own).catch((error: unknown) => {
        log("error", "a group did not take its parts", { group, error: errorText(error) });
        return own.map(({ id }) => id);
      });
      for (const part of own.filter(({ id }) => left.includes(id)))
        await deps.desk.partEnded({ group, jobs: [...part.jobs], end: "partial" });
    }),
  );
}

/** Tells the coordinator as long as it listens; what it was not told waits for the next round. */
async function answer(deps: RlcRoundDeps, answers: readonly JobAnswer[]): Promise<void> {
  const told: string[] = [];
  for (let first = 0; first < answers.length; first += ANSWERS_AT_A_TIME) {
    const some = answers.slice(first, first + ANSWERS_AT_A_TIME);
    const ends = await Promise.allSettled(some.map((one) => deps.client.answer(one)));
    some.forEach(({ id }, index) => {
      if (ends[index]?.status === "fulfilled") told.push(id);
    });
    const failed = ends.find((end) => end.status === "rejected");
    if (failed === undefined) continue;
    log("warn", "the coordinator was not told of jobs", { error: errorText(failed.reason) });
    break;
  }
  if (told.length > 0) await deps.desk.answered(told);
}
