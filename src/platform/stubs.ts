import { parseHostName } from "../domain/host-name.ts";
import { groupName } from "../domain/symbol.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { Tier } from "../domain/tier.ts";

/**
 * Where objects are placed when they are first addressed: near the exchanges' providers and the
 * database, wherever the request that names them comes from.
 */
const LOCATION = { locationHint: "enam" } as const;

/** The object of a symbol group. */
export function symbolGroupStub(env: Env, group: number) {
  return env.SYMBOL_GROUP.getByName(groupName(group), LOCATION);
}

/** The object of a host by its name: a group, or a host-only instance near its clients. */
export function hostStub(env: Env, name: string) {
  const host = parseHostName(name);
  const location = host?.kind === "extra" ? { locationHint: host.region } : LOCATION;
  return env.SYMBOL_GROUP.getByName(name, location);
}

/** The object that keeps a provider's breaker and credits. */
export function providerBreakerStub(env: Env, provider: ProviderId) {
  return env.PROVIDER_BREAKER.getByName(provider, LOCATION);
}

/** The deployment's metrics. */
export function metricsHubStub(env: Env) {
  return env.METRICS_HUB.getByName("hub", LOCATION);
}

/** The deployment's configuration and pins. */
export function configStoreStub(env: Env) {
  return env.CONFIG_STORE.getByName("config", LOCATION);
}

/** The queue of a tier's holes. */
export function backfillQueueStub(env: Env, tier: Tier) {
  return env.BACKFILL_QUEUE.getByName(tier, LOCATION);
}

/** The sampler of service levels. */
export function sloMonitorStub(env: Env) {
  return env.SLO_MONITOR.getByName("slo", LOCATION);
}
