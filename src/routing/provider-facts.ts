import type { Capability, ProviderId } from "../domain/provider-id.ts";
import { ALPACA_PAGE_POINTS } from "../providers/alpaca/client.ts";
import { alpacaLimits } from "../providers/alpaca/limits.ts";
import { FINNHUB_PLANS } from "../providers/finnhub/limits.ts";
import { IEX_PLANS } from "../providers/iex/limits.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import { POLYGON_PLANS } from "../providers/polygon/limits.ts";
import { callsPerMinute, type ProviderSettings } from "../providers/registry.ts";

/** What the configured plan of a provider is, beside its calls a minute. */
export interface PlanFacts {
  /** For iex, which has no plans, whose account it uses. */
  readonly plan: string;
  /** How long after its END a minute may be asked for; see `PlanLimits`. */
  readonly delayMs: PlanLimits["delayMs"];
}

/** The plan of a provider; null when it has no key. */
export function planFacts(id: ProviderId, settings: ProviderSettings): PlanFacts | null {
  const { polygon, alpaca, finnhub, iex } = settings;
  switch (id) {
    case "polygon":
      return polygon && { plan: polygon.plan, delayMs: POLYGON_PLANS[polygon.plan].delayMs };
    case "alpaca":
      return (
        alpaca && { plan: alpaca.plan, delayMs: alpacaLimits(alpaca.plan, alpaca.feed).delayMs }
      );
    case "finnhub":
      return finnhub !== null
        ? { plan: finnhub.plan, delayMs: FINNHUB_PLANS[finnhub.plan].delayMs }
        : null;
    case "iex":
      return iex !== null ? { plan: iex.backend, delayMs: IEX_PLANS[iex.backend].delayMs } : null;
  }
}

/**
 * Symbols that one call answers for: by the URL of 1,800 bytes about 200 (alpaca, iex), by the
 * endpoint one or 250 (polygon's snapshot), or the whole market in one call (its grouped daily bars).
 */
const SYMBOLS_PER_CALL: Readonly<
  Record<ProviderId, Readonly<Partial<Record<Capability, number | "all">>>>
> = {
  polygon: { bars_1m: 1, bars_1d: "all", quotes_l1: 250 },
  alpaca: { bars_1m: 200, bars_1d: 200, quotes_l1: 200 },
  finnhub: { bars_1m: 1, quotes_l1: 1 },
  iex: { quotes_l1: 200 },
};

/** How many symbols one call of a provider answers for; null when it has not this capability. */
export function symbolsPerCall(id: ProviderId, capability: Capability): number | "all" | null {
  return SYMBOLS_PER_CALL[id][capability] ?? null;
}

/** Bars that one answer of a provider holds at most; null: it is asked for so few that one is enough. */
export function barsPerCall(id: ProviderId): number | null {
  return id === "alpaca" ? ALPACA_PAGE_POINTS : null;
}

/**
 * Symbols a minute that a plan's credits carry for a capability, when all of them go to it: `all` is
 * the whole market; null when the provider has no key or not this capability.
 */
export function symbolsPerMinute(
  id: ProviderId,
  capability: Capability,
  settings: ProviderSettings,
): number | "all" | null {
  const perCall = symbolsPerCall(id, capability);
  const calls = callsPerMinute(id, settings);
  if (perCall === null || calls === 0) return null;
  return perCall === "all" ? perCall : perCall * calls;
}
