import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { Settings } from "../env.ts";
import { createAlpaca } from "./alpaca/index.ts";
import { ALPACA_PLANS } from "./alpaca/limits.ts";
import { createPolygon } from "./polygon/index.ts";
import { POLYGON_PLANS } from "./polygon/limits.ts";
import type { Provider } from "./provider.ts";

/** The providers that have keys, in no order; policies order them. */
export function configuredProviders(settings: Settings): Provider[] {
  const providers: Provider[] = [];
  if (settings.polygon !== null) providers.push(createPolygon(settings.polygon));
  if (settings.alpaca !== null) providers.push(createAlpaca(settings.alpaca));
  return providers;
}

/** The providers of a policy that can be asked, in policy order. */
export function policyProviders(settings: Settings, capability: Capability): Provider[] {
  const configured = new Map(
    configuredProviders(settings).map((provider) => [provider.id, provider]),
  );
  return settings.config.policies[capability]
    .map((id) => configured.get(id))
    .filter((provider) => provider !== undefined)
    .filter((provider) => provider.capabilities.includes(capability));
}

/** How many calls a minute a provider's plan allows; 0 for one that is not configured. */
export function callsPerMinute(id: string, settings: Settings): number {
  if (id === "polygon" && settings.polygon !== null)
    return POLYGON_PLANS[settings.polygon.plan].callsPerMinute;
  if (id === "alpaca" && settings.alpaca !== null)
    return ALPACA_PLANS[settings.alpaca.plan].callsPerMinute;
  return 0;
}

/** Seconds after the end of a minute before it is asked for: that of the first provider of the policy. */
export function pollOffsetMs(settings: Settings): number {
  const first: ProviderId = policyProviders(settings, "bars_1m")[0]?.id ?? "alpaca";
  return settings.config.poll_offset_s[first] * 1_000;
}
