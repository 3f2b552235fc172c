import type { ProviderId } from "../domain/provider-id.ts";
import type { Admission } from "./admission.ts";

/** A provider of the policy with how its breaker stands. */
export interface Candidate {
  readonly id: ProviderId;
  readonly admission: Admission;
}

/** The providers that a job tries, and how: `probe` needs the breaker's leave first. */
export interface Choice {
  readonly order: readonly { readonly id: ProviderId; readonly how: "call" | "probe" }[];
  /** Asked when nobody in `order` could be: the last usable provider is never ejected. */
  readonly lastResort: ProviderId | null;
}

/**
 * The choice of a job: closed providers are called and half-open ones probed, in policy order; when
 * none of them could be asked, the usable one with the highest score is. An isolated one is never
 * asked, nor one whose key was refused; after a while one job probes that too. Deterministic: same
 * inputs, same choice.
 */
export function choose(candidates: readonly Candidate[]): Choice {
  const usable = candidates.filter(
    ({ admission }) => admission.state !== "isolated" && admission.right !== "refused",
  );
  const order = usable
    .filter(({ admission }) => admission.state !== "open")
    .map(({ id, admission }) => ({
      id,
      how:
        admission.state === "closed" && admission.right !== "retry"
          ? ("call" as const)
          : ("probe" as const),
    }));
  // One that waits for another job's try of its key is not usable yet.
  const best = usable
    .filter(({ admission }) => admission.right !== "retry")
    .toSorted((a, b) => b.admission.h - a.admission.h)[0];
  return { order, lastResort: best?.id ?? null };
}
