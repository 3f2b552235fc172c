import { type GroupFetch, groupFetchSchema } from "../contracts/group-fetch.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import { calendarOf, type Settings } from "../env.ts";
import { groupName } from "../domain/symbol.ts";
import { MINUTE_MS, toIso } from "../domain/time.ts";
import { wallClock } from "../platform/clocks.ts";
import { log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { callOrigin, maybeTrace } from "../platform/trace.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { runBarsJob } from "./run-job.ts";
import { workerDeps } from "./worker-deps.ts";

/** Runs a job that its group's alarm started and hands the outcome back to that group. */
export async function runAndIngest(
  input: GroupFetch,
  settings: Settings,
  env: Env,
): Promise<PollOutcome> {
  const job = groupFetchSchema.parse(input);
  const startedMs = wallClock.now();
  const deps = workerDeps(settings, env);
  const result = await runBarsJob(job, {
    providers: policyProviders(settings, "bars_1m"),
    ...deps,
    calendar: calendarOf(settings),
    sessions: settings.config.sessions,
  });
  const { decisions } = result;
  const outcome = { ...result.outcome, config_version: settings.configVersion };
  const group = symbolGroupStub(env, job.group);
  logRun(job, outcome, wallClock.now() - startedMs);
  await maybeTrace("hand over", async () => {
    await group.ingest(job.duty, outcome, callOrigin(job.id));
  });
  for (const decision of decisions) await recordDecision(decision, deps.breaker);
  return outcome;
}

/** One line a job: what it asked for, who answered, and how much. `ms`: until it is handed over. */
function logRun(job: GroupFetch, outcome: PollOutcome, ms: number): void {
  const { answers, failures, uncovered } = outcome;
  log("info", "a job was run", {
    job: job.id,
    group: groupName(job.group),
    duty: job.duty,
    minute: toIso(job.end_ms - MINUTE_MS),
    providers: [...new Set(answers.map(({ source }) => source.provider))].join(","),
    bars: answers.reduce((sum, { bars }) => sum + bars.length, 0),
    uncovered,
    failures: failures.length,
    ms,
  });
}
