import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { Settings } from "../env.ts";
import { creditOwner } from "./account.ts";
import { createAlpaca } from "./alpaca/index.ts";
import { ALPACA_PLANS } from "./alpaca/limits.ts";
import { createFinnhub } from "./finnhub/index.ts";
import { FINNHUB_PLANS } from "./finnhub/limits.ts";
import { createIex } from "./iex/index.ts";
import { IEX_PLANS } from "./iex/limits.ts";
import { createPolygon } from "./polygon/index.ts";
import { POLYGON_PLANS } from "./polygon/limits.ts";
import { hasCapability, type Provider, type ProviderOf } from "./provider.ts";

/** The settings of all providers; one that is null has no key. */
export type ProviderSettings = Pick<Settings, "polygon" | "alpaca" | "finnhub" | "iex">;

/** The providers that have keys, in no order; policies order them. */
export function configuredProviders(settings: ProviderSettings): Provider[] {
  const { polygon, alpaca, finnhub, iex } = settings;
  const providers: Provider[] = [];
  if (polygon !== null) providers.push(createPolygon(polygon));
  if (alpaca !== null) providers.push(createAlpaca(alpaca));
  if (finnhub !== null) providers.push(createFinnhub(finnhub));
  if (iex !== null) providers.push(createIex(iex));
  return providers;
}

/** The providers of a policy that can be asked, in policy order. */
export function policyProviders<C extends Capability>(
  settings: ProviderSettings & Pick<Settings, "config">,
  capability: C,
): ProviderOf<C>[] {
  const configured = new Map(
    configuredProviders(settings).map((provider) => [provider.id, provider]),
  );
  return settings.config.policies[capability]
    .map((id) => configured.get(id))
    .filter((provider) => provider !== undefined)
    .filter((provider) => hasCapability(provider, capability));
}

/**
 * How many calls a minute a provider's plan allows, of the account that it may share with another; 0
 * for one that is not configured.
 */
export function callsPerMinute(id: ProviderId, settings: ProviderSettings): number {
  const { polygon, alpaca, finnhub, iex } = settings;
  switch (creditOwner(id, settings)) {
    case "polygon":
      return polygon === null ? 0 : POLYGON_PLANS[polygon.plan].callsPerMinute;
    case "alpaca":
      return alpaca === null ? 0 : ALPACA_PLANS[alpaca.plan].callsPerMinute;
    case "finnhub":
      return finnhub === null ? 0 : FINNHUB_PLANS[finnhub.plan].callsPerMinute;
    case "iex":
      return iex === null ? 0 : IEX_PLANS[iex.backend].callsPerMinute;
  }
}

/** Seconds after the end of a minute before it is asked for: that of the first provider of the policy. */
export function pollOffsetMs(settings: Settings): number {
  const first: ProviderId = policyProviders(settings, "bars_1m")[0]?.id ?? "alpaca";
  return settings.config.poll_offset_s[first] * 1_000;
}
