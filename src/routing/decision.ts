import { z } from "zod";
import { CAPABILITIES, PROVIDER_IDS } from "../domain/provider-id.ts";

/**
 * What became of a candidate in a job:
 * - `called`, `probed`, `last_resort`: it was asked: closed; half-open; or because nobody else could be;
 * - `not_needed`: usable, but those before it in the policy answered everything;
 * - `probe_refused`: half-open, or refused a while ago, with enough probes on their way;
 * - `not_entitled`: its key was refused, which says nothing about its health;
 * - `open`, `isolated`: its breaker holds it back, by itself or by a person.
 */
export const VERDICTS = [
  "called",
  "probed",
  "last_resort",
  "not_needed",
  "probe_refused",
  "not_entitled",
  "open",
  "isolated",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What one job decided and why: its candidates in policy order, each with state, H and verdict. */
export const decisionSchema = z.object({
  atMs: z.number(),
  capability: z.enum(CAPABILITIES),
  candidates: z
    .array(
      z.object({
        provider: z.enum(PROVIDER_IDS),
        state: z.enum(["closed", "half_open", "open", "isolated"]),
        h: z.number(),
        verdict: z.enum(VERDICTS),
        /** Kind of the fault of one that was asked; null when it answered well or was not asked. */
        failure: z.string().max(40).nullable(),
      }),
    )
    .max(PROVIDER_IDS.length)
    .readonly(),
});
export type Decision = z.infer<typeof decisionSchema>;
/** One candidate of a decision. */
export type DecidedCandidate = Decision["candidates"][number];

const ASKED: ReadonlySet<Verdict> = new Set(["called", "probed", "last_resort"]);

/** Whether a candidate was asked. */
export function wasAsked(candidate: DecidedCandidate): boolean {
  return ASKED.has(candidate.verdict);
}

/** Decisions of one kind: the same candidates with the same states, verdicts and faults. */
export function signatureOf(decision: Decision): string {
  return decision.candidates
    .map(({ provider, state, verdict, failure }) =>
      [provider, state, verdict, failure ?? ""].join(":"),
    )
    .join("|");
}

/** Why a candidate was asked or not, as a sentence for the operator. */
export function explainVerdict(candidate: DecidedCandidate, decision: Decision): string {
  const fault = candidate.failure === null ? "" : `; it failed: ${candidate.failure}`;
  const before = decision.candidates
    .slice(0, decision.candidates.indexOf(candidate))
    .filter(wasAsked)
    .map(({ provider }) => provider);
  switch (candidate.verdict) {
    case "called":
      return `its breaker is closed and ${place(decision, candidate, before)}${fault}`;
    case "probed":
      return `${standing(candidate)}: asked to find out${fault}`;
    case "last_resort":
      return `no provider is closed or due a probe, and its score is the highest${fault}`;
    case "not_needed":
      return `${before.join(" and ") || "nobody"} answered everything before its turn in the policy`;
    case "probe_refused":
      return `${standing(candidate)} and enough probes are on their way`;
    case "not_entitled":
      return "its key was refused for this capability, and it is not yet time to ask again";
    case "open":
      return "its breaker is open";
    case "isolated":
      return "it is isolated by an operator";
  }
}

/** Why one is probed: what is not half-open was refused before. */
function standing({ state }: DecidedCandidate): string {
  return state === "half_open" ? "its breaker is half-open" : "its key was refused a while ago";
}

function place(decision: Decision, candidate: DecidedCandidate, before: readonly string[]): string {
  if (before.length > 0) return `${before.join(" and ")} left something out`;
  return decision.candidates[0] === candidate
    ? "it is the first of the policy"
    : "those before it in the policy could not be asked";
}
