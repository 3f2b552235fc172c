import { type GroupFetch, groupFetchSchema } from "../contracts/group-fetch.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import { calendarOf, type Settings } from "../env.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
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
  if (outcome.answers.length === 0) await group.pollFailed(job.duty, outcome);
  else await group.ingest(job.duty, outcome);
  for (const decision of decisions) await recordDecision(decision, deps.breaker);
  return outcome;
}
