import { ATTEMPT_REASONS, type AttemptReason, type OpenCause } from "../contracts/backfill.ts";
import type { Decision } from "../routing/decision.ts";

/** How the providers took a job, whatever it asked for. */
export interface AskedOutcome {
  readonly failures: readonly {
    readonly provider: string;
    readonly kind: string;
    readonly message: string;
  }[];
  /** Whether anybody answered anything. */
  readonly answered: boolean;
  /** Whether some symbols were answered by nobody. */
  readonly uncovered: boolean;
}

/** Nobody answered, which says nothing about what was asked for. */
const AWAY: ReadonlySet<string> = new Set([
  "timeout",
  "unavailable",
  "rate_limited",
  // Facts about the key: the operator's to mend, not the hole's.
  "unauthorized",
  "not_entitled",
]);

/**
 * Why a job left something open. An attempt is counted only when everybody who could be asked has
 * answered, and the answers did not do; as long as somebody was away, or held back by a breaker, it is a
 * wait. A provider that a person isolated is not waited for.
 */
export function openCauseOf(outcome: AskedOutcome, decisions: readonly Decision[]): OpenCause {
  const { failures, answered } = outcome;
  const error = failures
    .map(({ provider, kind, message }) => `${provider}: ${kind}: ${message}`)
    .join("; ");
  const wait = (reason: "no_credits" | "provider_away", says: string): OpenCause => ({
    kind: "wait",
    reason,
    wide: !answered,
    error: says,
  });
  if (failures.some(({ kind }) => kind === "no_credits")) return wait("no_credits", error);
  if (failures.some(({ kind }) => AWAY.has(kind))) return wait("provider_away", error);
  const candidates = decisions.flatMap((decision) => decision.candidates);
  const held = candidates.filter(
    ({ verdict }) => verdict === "open" || verdict === "probe_refused",
  );
  if (held.length > 0) {
    const names = [...new Set(held.map(({ provider }) => provider))].join(", ");
    return wait("provider_away", error || `held back by the breaker: ${names}`);
  }
  if (candidates.every(({ verdict }) => verdict === "isolated" || verdict === "not_entitled"))
    return wait("provider_away", error || "no provider can be asked");
  const [failure] = failures;
  if (failure !== undefined) return { kind: "attempt", reason: reasonOf(failure.kind), error };
  return outcome.uncovered
    ? { kind: "attempt", reason: "unserved", error: "no provider of the policy serves it" }
    : { kind: "attempt", reason: "implausible", error: "too few bars to believe what is absent" };
}

function reasonOf(kind: string): AttemptReason {
  return ATTEMPT_REASONS.find((reason) => reason === kind) ?? "malformed";
}
