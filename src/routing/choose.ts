import type { ProviderId } from "../domain/provider-id.ts";
import type { Admission } from "./admission.ts";

/** A provider of the policy with what its breaker said. */
export interface Candidate {
  readonly id: ProviderId;
  readonly admission: Admission;
}

/**
 * The order in which a job tries its providers: those that are closed or probing, in policy order;
 * after them, when none is, the usable one with the highest score. The last usable provider is never
 * ejected; an isolated one is never asked. Deterministic: same inputs, same choice.
 */
export function choose(candidates: readonly Candidate[]): ProviderId[] {
  const usable = candidates.filter((candidate) => candidate.admission.state !== "isolated");
  const ready = usable.filter((candidate) => candidate.admission.state === "closed" || candidate.admission.probe);
  if (ready.length > 0) return ready.map((candidate) => candidate.id);
  const best = usable.toSorted((a, b) => b.admission.h - a.admission.h)[0];
  return best === undefined ? [] : [best.id];
}
