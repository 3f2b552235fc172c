import type { ServiceConfig } from "../contracts/config.ts";
import { type CreditReach, creditReach, sizeOf, type TierSizes } from "../domain/credit-reach.ts";
import { CAPABILITIES, type Capability, type ProviderId } from "../domain/provider-id.ts";
import { TIERS } from "../domain/tier.ts";
import type { Settings } from "../env.ts";
import { callsPerMinute, type ProviderSettings } from "../providers/registry.ts";
import { type PolicyStanding, policyStandings } from "./policy-standing.ts";
import { symbolsPerCall } from "./provider-facts.ts";

type CapacitySettings = ProviderSettings & Pick<Settings, "config" | "symbolGroups">;

/** What one provider of a policy carries of it, when all its calls go to this policy. */
export interface PolicyCapacity {
  readonly capability: Capability;
  readonly provider: ProviderId;
  /** Whether the policy depends on it: the first that serves it, of minutes the first not a day late. */
  readonly isFirst: boolean;
  readonly callsPerMinute: number;
  readonly reach: CreditReach;
}

/**
 * How often a minute a policy asks for each symbol of which tiers (the tiers' cadences): minutes of T0
 * and T1 each minute, quotes of T0 as configured, daily bars of all within an hour. Minutes are asked group
 * by group, the others in the provider's own batches.
 */
const CADENCE = {
  bars_1m: { tiers: ["T0", "T1"], roundsPerMinute: () => 1, byGroup: true },
  bars_1d: { tiers: ["T0", "T1", "T2"], roundsPerMinute: () => 1 / 60, byGroup: false },
  quotes_l1: {
    tiers: ["T0"],
    roundsPerMinute: ({ quote_every_s: everyS }: ServiceConfig) => 60 / everyS,
    byGroup: false,
  },
} as const;

/** What the providers of all policies carry at these tier sizes, in policy order. */
export function policyCapacities(settings: CapacitySettings, sizes: TierSizes): PolicyCapacity[] {
  const standings = new Map(policyStandings(settings).map((each) => [each.capability, each]));
  return CAPABILITIES.flatMap((capability) => {
    const standing = standings.get(capability);
    return standing === undefined ? [] : capacitiesOf(standing, settings, sizes);
  });
}

function capacitiesOf(
  { capability, places, servedBy }: PolicyStanding,
  settings: CapacitySettings,
  sizes: TierSizes,
): PolicyCapacity[] {
  const { tiers, roundsPerMinute, byGroup } = CADENCE[capability];
  const asked = { T0: 0, T1: 0, T2: 0 };
  for (const tier of tiers) asked[tier] = sizes[tier];
  return places.flatMap(({ provider, reason, isLive }) => {
    const perCall = symbolsPerCall(provider, capability);
    // Who serves no minute of today has no part in carrying it.
    if (reason !== null || perCall === null || !isLive) return [];
    const cost = {
      symbolsPerCall: perCall,
      jobs: byGroup ? settings.symbolGroups : 1,
      roundsPerMinute: roundsPerMinute(settings.config),
    };
    const calls = callsPerMinute(provider, settings);
    return {
      capability,
      provider,
      isFirst: provider === servedBy,
      callsPerMinute: calls,
      reach: creditReach(asked, cost, calls),
    };
  });
}

/** Whether a provider carries all that its policy asks for. */
export function carriesAll({ reach }: PolicyCapacity): boolean {
  return sizeOf(reach.beyond) === 0;
}

/** A shortage as a sentence, with the numbers. */
export function shortageText(capacity: PolicyCapacity): string {
  const { capability, provider, isFirst, callsPerMinute: calls, reach } = capacity;
  const carried = sizeOf(reach.carried);
  const all = carried + sizeOf(reach.beyond);
  const beyond = TIERS.filter((tier) => reach.beyond[tier] > 0)
    .map((tier) => `${reach.beyond[tier]} of ${tier}`)
    .join(", ");
  const whose = isFirst ? provider : `${provider}, which stands in,`;
  return (
    `policy ${capability}: ${whose} has ${calls} calls a minute of the ` +
    `${Math.ceil(reach.neededCallsPerMinute)} needed: it carries ${carried} of ${all} symbols (beyond: ${beyond})`
  );
}

/**
 * Symbols of each tier whose minutes the provider that the policy depends on can't carry; null when
 * nobody serves it. What the gauge `symbols_beyond_credits` shows.
 */
export function minutesBeyondCredits(
  settings: CapacitySettings,
  sizes: TierSizes,
): TierSizes | null {
  const first = policyCapacities(settings, sizes).find(
    ({ capability, isFirst }) => capability === "bars_1m" && isFirst,
  );
  return first?.reach.beyond ?? null;
}
