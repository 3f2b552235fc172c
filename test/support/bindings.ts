/** Every binding that the service needs, by hand from wrangler.toml: a test must not read them off the code. */
export const BINDINGS = [
  "SYMBOL_GROUP",
  "PROVIDER_BREAKER",
  "BACKFILL_QUEUE",
  "CONFIG_STORE",
  "SLO_MONITOR",
  "METRICS_HUB",
  "BACKFILL_DLQ",
  "METRICS_EVENTS",
  "API_RATE_LIMIT",
  "API_RATE_LIMIT_LOW",
  "API_RATE_LIMIT_HIGH",
] as const;

/** An environment in which all of them are bound, to nothing. */
export const BOUND: Readonly<Record<string, object>> = Object.fromEntries(
  BINDINGS.map((name) => [name, {}]),
);
