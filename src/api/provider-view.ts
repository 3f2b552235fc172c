import { z } from "@hono/zod-openapi";
import { CAPABILITIES, PROVIDER_IDS, type ProviderId } from "../domain/provider-id.ts";
import { SECOND_MS, toIso } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { errorText } from "../platform/log.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import { configuredProviders } from "../providers/registry.ts";
import type { PolicyCapacity } from "../routing/policy-capacity.ts";
import type { PolicyStanding } from "../routing/policy-standing.ts";
import { planFacts, symbolsPerMinute } from "../routing/provider-facts.ts";
import type { ProviderSnapshot } from "../routing/provider-snapshot.ts";

/** Seconds; `end_of_day`: no minute of the current trading date. */
export const delaySchema = z.union([z.number(), z.literal("end_of_day")]).nullable();
export const stateSchema = z.enum(["closed", "half_open", "open", "isolated"]);
const score = z.number().min(0).max(1);

/** H and its four parts, each in [0, 1]. */
export const healthSchema = z.object({
  h: score,
  breaker: score,
  latency: score,
  error: score,
  completeness: score,
});

const tierCounts = z.object({ T0: z.number(), T1: z.number(), T2: z.number() });

/**
 * A provider on the wire. `plan_correction`: its key is later than its plan, as its answers showed, and
 * `delay_s` is what they showed. `credits.kept_by`: who keeps the quota of a shared key.
 * `symbols_beyond_credits`: what its policy asks for at the present tier sizes and its calls don't carry.
 * `entitlement.holds_back`: it is not chosen for this capability until it is tried again. `fault`: its object could not be asked, and what only it knows is missing. */
export const providerViewSchema = z.object({
  name: z.enum(PROVIDER_IDS),
  configured: z.boolean(),
  plan: z.string().nullable(),
  delay_s: delaySchema,
  isolated: z.object({ since: z.string(), reason: z.string().nullable() }).nullable(),
  credits: z
    .object({
      left: z.number(),
      per_minute: z.number(),
      window: z.object({ left: z.number(), until: z.string() }).nullable(),
      kept_by: z.enum(PROVIDER_IDS),
    })
    .nullable(),
  plan_correction: z
    .object({ delay_s: delaySchema, message: z.string().nullable(), at: z.string() })
    .nullable(),
  bad_symbols: z.array(z.object({ symbol: z.string(), until: z.string() })),
  capabilities: z.array(
    z.object({
      capability: z.enum(CAPABILITIES),
      policy_place: z.number().nullable(),
      symbols_per_minute: z.union([z.number(), z.literal("all")]).nullable(),
      symbols_beyond_credits: tierCounts.nullable(),
      state: stateSchema.nullable(),
      health: healthSchema.nullable(),
      entitlement: z
        .object({
          state: z.enum(["granted", "delayed", "not_entitled", "unauthorized"]),
          message: z.string().nullable(),
          at: z.string(),
          holds_back: z.boolean(),
        })
        .nullable(),
    }),
  ),
  fault: z.string().nullable(),
});
export type ProviderView = z.infer<typeof providerViewSchema>;

/** What a provider is seen against: how the policies are served, and what its calls carry of them. */
export interface PolicyFacts {
  readonly standings: readonly PolicyStanding[];
  readonly capacities: readonly PolicyCapacity[];
}

/** Plan delay on the wire, in seconds. */
export function delayView(delayMs: PlanLimits["delayMs"] | null): number | "end_of_day" | null {
  return typeof delayMs === "number" ? delayMs / SECOND_MS : delayMs;
}

/** Scores are shown to four digits. */
export function roundScore(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** H and its parts as shown. */
export function healthView(shown: z.infer<typeof healthSchema>): z.infer<typeof healthSchema> {
  const { h, breaker, latency, error, completeness } = shown;
  return {
    h: roundScore(h),
    breaker: roundScore(breaker),
    latency: roundScore(latency),
    error: roundScore(error),
    completeness: roundScore(completeness),
  };
}

/**
 * A provider as the operator sees it: what is configured, and what its object says. A capability that
 * was never called has no health; its state is that of the provider.
 */
export function providerView(
  name: ProviderId,
  settings: Settings,
  { standings, capacities }: PolicyFacts,
  snapshot: ProviderSnapshot | Error,
): ProviderView {
  const provider = configuredProviders(settings).find(({ id }) => id === name);
  const facts = planFacts(name, settings);
  const seen = snapshot instanceof Error ? null : snapshot;
  const capabilities = CAPABILITIES.filter(
    (capability) =>
      provider?.capabilities.includes(capability) === true ||
      seen?.capabilities.some((known) => known.capability === capability) === true,
  ).map((capability) => {
    const known = seen?.capabilities.find((each) => each.capability === capability);
    const standing = standings.find((each) => each.capability === capability);
    const idle = seen === null ? null : seen.isolated === null ? "closed" : "isolated";
    const place = standing?.places.find((each) => each.provider === name && each.reason === null);
    return {
      capability,
      policy_place: place?.place ?? null,
      symbols_per_minute: symbolsPerMinute(name, capability, settings),
      symbols_beyond_credits:
        capacities.find((each) => each.provider === name && each.capability === capability)?.reach
          .beyond ?? null,
      state: known?.state ?? idle,
      health: known === undefined ? null : healthView(known.score),
      entitlement: entitlementView(known),
    } as const;
  });
  return {
    name,
    configured: provider !== undefined,
    plan: facts?.plan ?? null,
    delay_s: delayView(seen?.correction?.delayMs ?? facts?.delayMs ?? null),
    plan_correction: correctionView(seen?.correction ?? null),
    bad_symbols: (seen?.badSymbols ?? []).map(({ symbol, untilMs }) => ({
      symbol,
      until: toIso(untilMs),
    })),
    isolated: isolatedView(seen?.isolated ?? null),
    credits: seen === null || provider === undefined ? null : creditsView(seen),
    capabilities,
    fault: snapshot instanceof Error ? errorText(snapshot).slice(0, 300) : null,
  };
}

/** An isolation on the wire. */
export function isolatedView(isolated: ProviderSnapshot["isolated"]): ProviderView["isolated"] {
  return isolated === null ? null : { since: toIso(isolated.sinceMs), reason: isolated.reason };
}

function creditsView({ credits, creditOwner }: ProviderSnapshot) {
  const { left, perMinute, window } = credits;
  return {
    left: Math.floor(left),
    per_minute: perMinute,
    window: window === null ? null : { left: window.left, until: toIso(window.untilMs) },
    kept_by: creditOwner,
  };
}

function correctionView(correction: ProviderSnapshot["correction"]) {
  if (correction === null) return null;
  const { delayMs, message, atMs } = correction;
  return { delay_s: delayView(delayMs), message, at: toIso(atMs) };
}

function entitlementView(known: ProviderSnapshot["capabilities"][number] | undefined) {
  const entitlement = known?.entitlement ?? null;
  if (entitlement === null) return null;
  const { state, message, atMs } = entitlement;
  return { state, message, at: toIso(atMs), holds_back: known?.right !== "granted" };
}
