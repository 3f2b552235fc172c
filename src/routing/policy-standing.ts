import { CAPABILITIES, type Capability, type ProviderId } from "../domain/provider-id.ts";
import type { Settings } from "../env.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import { configuredProviders, type ProviderSettings } from "../providers/registry.ts";
import { planFacts } from "./provider-facts.ts";

/** A provider in a policy: whether it can serve it, else why not. */
export interface PolicyPlace {
  readonly provider: ProviderId;
  /** 1 is asked first. */
  readonly place: number;
  /** Null when it serves. */
  readonly reason: string | null;
}

/** How a policy is served by the keys that are configured. */
export interface PolicyStanding {
  readonly capability: Capability;
  readonly places: readonly PolicyPlace[];
  /** The first that serves it; null: the policy is unserved. */
  readonly servedBy: ProviderId | null;
  /** How late the first that serves it is by its plan; null when unserved or not known. */
  readonly delayMs: PlanLimits["delayMs"] | null;
  /** Why nobody serves it; null when somebody does. */
  readonly unservedReason: string | null;
}

/** All policies, as the configured keys serve them. */
export function policyStandings(
  settings: ProviderSettings & Pick<Settings, "config">,
): PolicyStanding[] {
  const configured = new Map(
    configuredProviders(settings).map((provider) => [provider.id, provider.capabilities]),
  );
  return CAPABILITIES.map((capability) => {
    const places = settings.config.policies[capability].map((provider, index) => ({
      provider,
      place: index + 1,
      reason: reasonAgainst(configured.get(provider), capability),
    }));
    const servedBy = places.find(({ reason }) => reason === null)?.provider ?? null;
    return {
      capability,
      places,
      servedBy,
      delayMs: servedBy === null ? null : (planFacts(servedBy, settings)?.delayMs ?? null),
      unservedReason:
        servedBy === null
          ? places.map(({ provider, reason }) => `${provider}: ${reason}`).join("; ")
          : null,
    };
  });
}

function reasonAgainst(
  capabilities: readonly Capability[] | undefined,
  capability: Capability,
): string | null {
  if (capabilities === undefined) return "no key is configured";
  return capabilities.includes(capability) ? null : `its plan does not serve ${capability}`;
}
