/**
 * A configuration in which fields are missing, completed from another one. Lists are taken whole; what is
 * of the wrong kind, or of no use, is left as it is: the schema says so.
 */
export function overDefaults(given: unknown, defaults: unknown): unknown {
  if (!isRecord(given) || !isRecord(defaults)) return given;
  const missing = Object.entries(defaults).filter(([key]) => !Object.hasOwn(given, key));
  const own = Object.entries(given).map(([key, value]) => [
    key,
    Object.hasOwn(defaults, key) ? overDefaults(value, defaults[key]) : value,
  ]);
  return Object.fromEntries([...missing, ...own]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
