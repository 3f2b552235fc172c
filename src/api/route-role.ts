import type { KeyRole } from "../contracts/keys.ts";

/** Who may use a route: anybody, or whoever has a key with that role. A key with role `ops` may use them all. */
export type RouteRole = "public" | KeyRole;

const PUBLIC_PATHS: readonly string[] = ["/health", "/openapi.json", "/docs"];
const METRICS_PATHS: readonly string[] = ["/health/ready", "/metrics"];
const READ_PATHS: readonly string[] = ["/ws", "/ws/replay", "/providers"];
const READ_PREFIXES: readonly string[] = ["/v1/", "/providers/"];

/** The role that a path asks for. What is not known to be for others is for operators, also what is no route. */
export function roleOf(path: string): RouteRole {
  if (PUBLIC_PATHS.includes(path)) return "public";
  if (METRICS_PATHS.includes(path)) return "metrics";
  const isRead =
    READ_PATHS.includes(path) || READ_PREFIXES.some((prefix) => path.startsWith(prefix));
  return isRead ? "read" : "ops";
}

/** Whether a key of one role may use what asks for another. */
export function mayUse(role: KeyRole, asked: RouteRole): boolean {
  return asked === "public" || role === "ops" || role === asked;
}
