import {
  type BackfillEnd,
  type BackfillRun,
  backfillRunSchema,
  type OpenCause,
} from "../contracts/backfill.ts";
import type { GroupFetch } from "../contracts/group-fetch.ts";
import { calendarOf, type Settings } from "../env.ts";
import { log } from "../platform/log.ts";
import { callOrigin, maybeTrace } from "../platform/trace.ts";
import { groupName } from "../domain/symbol.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { openCauseOf } from "../backfill/open-cause.ts";
import { backfillDaily } from "./backfill-daily.ts";
import { storeBackfill } from "./store-backfill.ts";
import { type JobResult, runBarsJob } from "./run-job.ts";
import { workerDeps } from "./worker-deps.ts";

/**
 * Runs a job of a backfill queue: asks the group what of it is still open, asks the providers, and hands
 * the answer to the group, or straight to Postgres where it is older than the group's beliefs. Answers
 * what is still open, and why. Rejects when a group or the database does not answer.
 */
export async function runBackfill(
  input: BackfillRun,
  settings: Settings,
  env: Env,
): Promise<BackfillEnd> {
  const run = backfillRunSchema.parse(input);
  if (run.interval === "1d") return await backfillDaily(run, settings, env);
  const group = symbolGroupStub(env, run.group);
  const plan = await group.planBackfill(run);
  const ends: BackfillEnd[] = [];
  if (plan.fetch !== null) {
    const result = await askProviders(plan.fetch, settings, env);
    const open = await maybeTrace("hand over", async () =>
      group.ingestBackfill(run, result.outcome, callOrigin(run.id)),
    );
    ends.push({ open, cause: causeOf(result, open.length > 0) });
  }
  if (plan.stored.length > 0) {
    const fetch = storedFetch(run, plan.stored);
    const result = await askProviders(fetch, settings, env);
    const open = await storeBackfill(run, fetch, result.outcome, settings, env);
    ends.push({ open, cause: causeOf(result, open.length > 0) });
  }
  const open = ends.flatMap((end) => end.open);
  const job = { job: run.id, tier: run.tier, group: groupName(run.group) };
  log("debug", "a backfill job was run", { ...job, asked: run.symbols.length, open: open.length });
  const causes = ends.flatMap(({ cause }) => (cause === null ? [] : [cause]));
  return {
    open,
    // As long as somebody was away nothing counts as an attempt.
    cause: causes.find(({ kind }) => kind === "wait") ?? causes[0] ?? null,
  };
}

async function askProviders(fetch: GroupFetch, settings: Settings, env: Env): Promise<JobResult> {
  const deps = workerDeps(settings, env);
  const result = await runBarsJob(fetch, {
    providers: policyProviders(settings, "bars_1m"),
    ...deps,
    calendar: calendarOf(settings),
    sessions: settings.config.sessions,
  });
  for (const decision of result.decisions) await recordDecision(decision, deps.breaker);
  return { ...result, outcome: { ...result.outcome, config_version: settings.configVersion } };
}

function causeOf({ outcome, decisions }: JobResult, isOpen: boolean): OpenCause | null {
  if (!isOpen) return null;
  const { failures, answers, uncovered } = outcome;
  return openCauseOf(
    { failures, answered: answers.length > 0, uncovered: uncovered > 0 },
    decisions,
  );
}

/** What goes straight to Postgres has no beliefs and no trading rates to be judged by. */
function storedFetch(run: BackfillRun, symbols: readonly string[]): GroupFetch {
  return {
    v: 1,
    id: run.id,
    group: run.group,
    duty: `backfill:${run.id}`,
    interval: "1m",
    symbols: [...symbols],
    start_ms: run.start_ms,
    end_ms: run.end_ms,
    priority: 0,
    settle: false,
    lane: run.tier,
    rates: [],
    owners: [],
  };
}
