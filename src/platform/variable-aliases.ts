import { log } from "./log.ts";

/** Names under which a variable is taken too, each with the one that the service knows it by. */
const ALIASES: Readonly<Record<string, string>> = { VIZTRACER_ENABLED: "TRACE_ENABLED" };

/** Variables that deployments have and that mean nothing here: there are no files to write to. */
const IGNORED = ["VIZ_OUT_DIR"] as const;

/**
 * Bindings and variables with every alias under its own name; who has both means the own one. What is
 * ignored is said in one line.
 */
export function withAliases(env: object): Readonly<Record<string, unknown>> {
  const given = new Map<string, unknown>(Object.entries(env));
  for (const [alias, name] of Object.entries(ALIASES)) {
    if (given.has(alias) && !given.has(name)) given.set(name, given.get(alias));
  }
  for (const variable of IGNORED) {
    if (given.has(variable)) log("info", "a variable is accepted and ignored", { variable });
  }
  return Object.fromEntries(given);
}
