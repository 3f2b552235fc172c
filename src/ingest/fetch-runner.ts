import { type BarsFetchJob, barsFetchJobSchema } from "../contracts/jobs.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import { groupName } from "../domain/symbol.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { createHttpGet } from "../providers/http-get.ts";
import { policyProviders } from "../providers/registry.ts";
import { runBarsJob } from "./run-job.ts";

/** Runs a job that its group's alarm started and hands the outcome back to that group. */
export async function runAndIngest(
  input: BarsFetchJob,
  settings: Settings,
  env: Env,
): Promise<PollOutcome> {
  const job = barsFetchJobSchema.parse(input);
  const outcome = await runBarsJob(job, {
    providers: policyProviders(settings, "bars_1m"),
    breaker: (provider) => env.PROVIDER_BREAKER.getByName(provider, { locationHint: "enam" }),
    get: createHttpGet((url, init) => fetch(url, init)),
    calendar: calendarOf(settings),
    sessions: settings.config.sessions,
    market: marketClock,
    wall: wallClock,
    timeoutMs: settings.config.timeout_ms,
  });
  const group = env.SYMBOL_GROUP.getByName(groupName(job.group), { locationHint: "enam" });
  if (outcome.answers.length === 0) await group.pollFailed(job.duty, outcome);
  else await group.ingest(job.duty, outcome);
  return outcome;
}
