import { type GroupFetch, groupFetchSchema } from "../contracts/group-fetch.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { providerBreakerStub, symbolGroupStub } from "../platform/stubs.ts";
import { createHttpGet } from "../providers/http-get.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { runBarsJob } from "./run-job.ts";

/** Runs a job that its group's alarm started and hands the outcome back to that group. */
export async function runAndIngest(
  input: GroupFetch,
  settings: Settings,
  env: Env,
): Promise<PollOutcome> {
  const job = groupFetchSchema.parse(input);
  const breaker = (provider: ProviderId) => providerBreakerStub(env, provider);
  const { outcome, decisions } = await runBarsJob(job, {
    providers: policyProviders(settings, "bars_1m"),
    breaker,
    get: createHttpGet((url, init) => fetch(url, init)),
    calendar: calendarOf(settings),
    sessions: settings.config.sessions,
    market: marketClock,
    wall: wallClock,
    timeoutMs: settings.config.timeout_ms,
  });
  const group = symbolGroupStub(env, job.group);
  if (outcome.answers.length === 0) await group.pollFailed(job.duty, outcome);
  else await group.ingest(job.duty, outcome);
  // After the data, which must not wait for what only explains it, nor be lost with it.
  for (const decision of decisions) {
    await recordDecision(decision, breaker).catch((error: unknown) => {
      log("warn", "a routing decision was not recorded", { job: job.id, error: errorText(error) });
    });
  }
  return outcome;
}
