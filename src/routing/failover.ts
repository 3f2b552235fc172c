import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import { errorText, log } from "../platform/log.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { Admission, BreakerPort } from "./admission.ts";
import { type Candidate, choose } from "./choose.ts";
import type { DecidedCandidate, Decision, Verdict } from "./decision.ts";

/** What a job hands to `askInTurn`. */
export interface FailoverDeps {
  readonly capability: Capability;
  /** The providers of the policy that can be asked, in policy order. */
  readonly providers: readonly ProviderId[];
  readonly breaker: (provider: ProviderId) => Pick<BreakerPort, "admission" | "takeProbe">;
  /** Market time of the decision. */
  readonly nowMs: EpochMs;
  /** Asks a provider for what is still open; answers the kind of its fault, or null. */
  readonly ask: (provider: ProviderId, admission: Admission) => Promise<ProviderErrorKind | null>;
  /** Whether everything has been answered. */
  readonly isDone: () => boolean;
}

/**
 * Asks the chosen provider, and the next ones while something is still open; when nobody could be
 * asked, the last resort. Answers what was decided about every candidate.
 */
export async function askInTurn(deps: FailoverDeps): Promise<Decision> {
  const candidates: Candidate[] = await Promise.all(
    deps.providers.map(async (id) => ({
      id,
      admission: await deps.breaker(id).admission(deps.capability),
    })),
  );
  const { order, lastResort } = choose(candidates);
  const admissions = new Map(candidates.map(({ id, admission }) => [id, admission]));
  const decided = new Map<ProviderId, Pick<DecidedCandidate, "verdict" | "failure">>();
  const ask = async (id: ProviderId, verdict: Verdict) => {
    const admission = admissions.get(id);
    if (admission === undefined) return;
    decided.set(id, { verdict, failure: await deps.ask(id, admission) });
  };
  let asked = 0;
  for (const { id, how } of order) {
    if (deps.isDone()) break;
    if (how === "probe" && !(await deps.breaker(id).takeProbe(deps.capability))) {
      decided.set(id, { verdict: "probe_refused", failure: null });
      continue;
    }
    await ask(id, how === "probe" ? "probed" : "called");
    asked += 1;
  }
  if (asked === 0 && lastResort !== null && !deps.isDone()) await ask(lastResort, "last_resort");
  return {
    atMs: deps.nowMs,
    capability: deps.capability,
    candidates: candidates.map(({ id, admission }) => ({
      provider: id,
      state: admission.state,
      h: admission.h,
      ...(decided.get(id) ?? { verdict: passedOver(admission), failure: null }),
    })),
  };
}

/** Of one that was not reached: what holds it back is told before the policy. */
function passedOver({ state, right }: Admission): Verdict {
  if (state === "isolated") return state;
  if (right === "refused") return "not_entitled";
  return state === "open" ? state : "not_needed";
}

/**
 * Tells the breaker of every candidate what a job decided. Call it after the data, which must not wait for
 * what only explains it; nor is the data lost with it: it never rejects.
 */
export async function recordDecision(
  decision: Decision,
  breaker: (provider: ProviderId) => Pick<BreakerPort, "recordDecision">,
): Promise<void> {
  const told = await Promise.allSettled(
    decision.candidates.map(({ provider }) => breaker(provider).recordDecision(decision)),
  );
  for (const result of told) {
    if (result.status === "fulfilled") continue;
    const { capability, atMs } = decision;
    const error = errorText(result.reason);
    log("warn", "a routing decision was not recorded", { capability, atMs, error });
  }
}
