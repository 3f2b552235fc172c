import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { choose } from "../routing/choose.ts";
import type { Decision } from "../routing/decision.ts";
import { askInTurn } from "../routing/failover.ts";
import type { AskBarsDeps, BarsProvider } from "./ask-bars.ts";
import { type FetchWindow, fetchWindows, hasForeignOwner } from "./fetch-windows.ts";
import { JobRun } from "./job-run.ts";

/** What a job needs of the world: whom it may ask, in policy order, and how. */
export interface RunJobDeps extends AskBarsDeps {
  readonly providers: readonly BarsProvider[];
}

/** What a job brought, and why it asked whom: a decision for each window that was asked on its own. */
export interface JobResult {
  readonly outcome: PollOutcome;
  readonly decisions: readonly Decision[];
}

/**
 * Runs one job: asks the chosen provider, and the next one for what the first left uncovered or was
 * not believed about. Never throws for a provider's fault; what came back valid is kept, in the order
 * it was asked.
 */
export async function runBarsJob(fetch: GroupFetch, deps: RunJobDeps): Promise<JobResult> {
  const outcome: PollOutcome = {
    answers: [],
    calls: [],
    selected: [],
    failures: [],
    uncovered: 0,
  };
  const decisions: Decision[] = [];
  for (const window of await windowsOf(fetch, deps)) {
    const part = await runWindow(fetch, window, deps);
    outcome.answers.push(...part.outcome.answers);
    outcome.calls.push(...part.outcome.calls);
    outcome.selected.push(...part.outcome.selected);
    outcome.failures.push(...part.outcome.failures);
    outcome.uncovered = Math.max(outcome.uncovered, part.outcome.uncovered);
    decisions.push(part.decision);
  }
  return { outcome, decisions };
}

async function runWindow(
  fetch: GroupFetch,
  { startMs, endMs, prefer }: FetchWindow,
  deps: RunJobDeps,
) {
  const part = { ...fetch, start_ms: startMs, end_ms: endMs };
  const run = new JobRun(part, deps.providers, deps);
  const ids = deps.providers.map(({ id }) => id);
  const decision = await askInTurn({
    capability: "bars_1m",
    providers: prefer === null ? ids : [prefer, ...ids.filter((id) => id !== prefer)],
    breaker: deps.breaker,
    nowMs: deps.market.now(),
    ask: (id, admission) => run.ask(id, admission),
    isDone: () => run.isDone(),
  });
  run.end(decision);
  return { outcome: run.outcome, decision };
}

/**
 * Whose breakers are closed is asked only when somebody else's bars are to be looked at again; not in
 * the settle pass, in which the first provider of the policy takes every bar over.
 */
async function windowsOf(fetch: GroupFetch, deps: RunJobDeps): Promise<FetchWindow[]> {
  const whole = { startMs: fetch.start_ms, endMs: fetch.end_ms, prefer: null };
  if (fetch.settle || !hasForeignOwner(fetch, deps.providers[0]?.id)) return [whole];
  const candidates = await Promise.all(
    deps.providers.map(async ({ id }) => ({
      id,
      admission: await deps.breaker(id).admission("bars_1m"),
    })),
  );
  const closed = new Set<ProviderId>(
    candidates
      .filter(({ admission }) => admission.state === "closed" && admission.right !== "refused")
      .map(({ id }) => id),
  );
  const chosen = choose(candidates).order[0]?.id ?? null;
  return fetchWindows(fetch, chosen, closed);
}
