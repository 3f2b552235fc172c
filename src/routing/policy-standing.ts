import { CAPABILITIES, type Capability, type ProviderId } from "../domain/provider-id.ts";
import type { Settings } from "../env.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import { configuredProviders, type ProviderSettings } from "../providers/registry.ts";
import { type KeyFinding, type KeyFindings, lateness } from "./key-finding.ts";
import { planFacts } from "./provider-facts.ts";

/** A provider in a policy: whether it can serve it, else why not. */
export interface PolicyPlace {
  readonly provider: ProviderId;
  /** 1 is asked first. */
  readonly place: number;
  /** Null when it serves. */
  readonly reason: string | null;
  /** How late it is by its plan, or by what its key has shown; null when it has no key. */
  readonly delayMs: PlanLimits["delayMs"] | null;
  /** Whether it serves this policy in the current session, be it late. */
  readonly isLive: boolean;
}

/** How a policy is served by the keys that are configured. */
export interface PolicyStanding {
  readonly capability: Capability;
  readonly places: readonly PolicyPlace[];
  /**
   * The first that serves it, of minutes the first that serves those of the current session; null: the
   * policy is unserved.
   */
  readonly servedBy: ProviderId | null;
  /** How late `servedBy` is; null when unserved. */
  readonly delayMs: PlanLimits["delayMs"] | null;
  /** Why nobody serves it; null when somebody does. */
  readonly unservedReason: string | null;
}

/** All policies, as the configured keys serve them, and as they have shown to do. */
export function policyStandings(
  settings: ProviderSettings & Pick<Settings, "config">,
  findings: KeyFindings = new Map(),
): PolicyStanding[] {
  const configured = new Map(
    configuredProviders(settings).map((provider) => [provider.id, provider.capabilities]),
  );
  return CAPABILITIES.map((capability) => {
    const places = settings.config.policies[capability].map((provider, index): PolicyPlace => {
      const found = findings.get(provider);
      const delayMs = found?.correction?.delayMs ?? planFacts(provider, settings)?.delayMs ?? null;
      return {
        provider,
        place: index + 1,
        reason: reasonAgainst(configured.get(provider), capability, found),
        delayMs,
        isLive: capability !== "bars_1m" || typeof delayMs === "number",
      };
    });
    const serving = places.filter(({ reason }) => reason === null);
    const first = serving.find(({ isLive }) => isLive) ?? serving[0];
    const servedBy = first?.provider ?? null;
    return {
      capability,
      places,
      servedBy,
      delayMs: first?.delayMs ?? null,
      unservedReason:
        servedBy === null
          ? [
              ...places.map(({ provider, reason }) => `${provider}: ${reason}`),
              ...outsiders(configured, capability, places),
            ].join("; ")
          : null,
    };
  });
}

/** Who could serve an unserved policy, were it in it: what to change is then plain. */
function outsiders(
  configured: ReadonlyMap<ProviderId, readonly Capability[]>,
  capability: Capability,
  places: readonly PolicyPlace[],
): string[] {
  return [...configured]
    .filter(([id]) => !places.some(({ provider }) => provider === id))
    .filter(([, capabilities]) => capabilities.includes(capability))
    .map(([id]) => `${id}: it could serve it, but is not in the policy`);
}

function reasonAgainst(
  capabilities: readonly Capability[] | undefined,
  capability: Capability,
  found: KeyFinding | undefined,
): string | null {
  if (capabilities === undefined) return "no key is configured";
  if (!capabilities.includes(capability)) return `its plan does not serve ${capability}`;
  const refusal = found?.refused[capability];
  return refusal === undefined ? null : `its key was refused: ${refusal}`;
}

/**
 * Policies that are served less than somebody may expect, as sentences: not at all, or of minutes with
 * a delay that the plan brings.
 */
export function standingWarnings(standings: readonly PolicyStanding[]): string[] {
  return standings.flatMap(({ capability, servedBy, delayMs, unservedReason }) => {
    if (unservedReason !== null) return [`policy ${capability} is unserved: ${unservedReason}`];
    const isLate = capability === "bars_1m" && delayMs !== null && delayMs !== 0;
    return isLate ? [`policy bars_1m is served late by ${servedBy}: ${lateness(delayMs)}`] : [];
  });
}
