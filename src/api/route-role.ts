/** Who may use a route: anybody, or whoever has a key with that role. A key with role `ops` may use them all. */
export type RouteRole = "public" | "read" | "ops" | "metrics";

/** The role of a key; a public route needs none. */
export type KeyRole = Exclude<RouteRole, "public">;

const PUBLIC_PATHS: readonly string[] = ["/health", "/openapi.json", "/docs"];
const METRICS_PATHS: readonly string[] = ["/health/ready", "/metrics"];

/** The role that a path asks for; of a path that is no route the one of its neighbours. */
export function roleOf(path: string): RouteRole {
  if (PUBLIC_PATHS.includes(path)) return "public";
  if (METRICS_PATHS.includes(path)) return "metrics";
  return path.startsWith("/ops/") ? "ops" : "read";
}
