import {
  CONFIG_SCHEMA_VERSION,
  type ServiceConfig,
  serviceConfigSchema,
} from "../contracts/config.ts";
import { faultsByPath } from "./json-path.ts";

/** Makes of a configuration of one form the same in the next: pure, and never changed once released. */
export type Lift = (config: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

/** The lift at place `n - 1` leads from form `n` to `n + 1`; append-only. */
const LIFTS: readonly Lift[] = [];

/** A configuration as this code reads it, or why it can't. */
export type ReadConfig =
  | { readonly ok: true; readonly config: ServiceConfig }
  | { readonly ok: false; readonly reason: string };

/** Reads a stored configuration, lifted to the form of this code. */
export function readConfig(body: string): ReadConfig {
  const lifted = liftConfig(parseJson(body), LIFTS, CONFIG_SCHEMA_VERSION);
  if ("reason" in lifted) return { ok: false, reason: lifted.reason };
  const parsed = serviceConfigSchema.safeParse(lifted.config);
  if (parsed.success) return { ok: true, config: parsed.data };
  const [first] = faultsByPath(parsed.error);
  return { ok: false, reason: `${first?.path ?? "$"}: ${first?.message ?? "not valid"}` };
}

/** A stored configuration in the form of this code, as far as it can be lifted; not yet held against the schema. */
export function readLifted(body: string): unknown {
  const stored = parseJson(body);
  const lifted = liftConfig(stored, LIFTS, CONFIG_SCHEMA_VERSION);
  return "config" in lifted ? lifted.config : stored;
}

/** Takes a configuration through the lifts from its own form to the `target`. */
export function liftConfig(
  stored: unknown,
  lifts: readonly Lift[],
  target: number,
): { readonly config: unknown } | { readonly reason: string } {
  if (typeof stored !== "object" || stored === null) return { reason: "it is no object" };
  let config: Readonly<Record<string, unknown>> = { ...stored };
  const from = config["schema_version"];
  if (typeof from !== "number" || !Number.isInteger(from) || from < 1)
    return { reason: "its schema_version is no number" };
  if (from > target)
    return { reason: `its schema_version is ${from}, and this release reads up to ${target}` };
  for (let form = from; form < target; form += 1) {
    const lift = lifts[form - 1];
    if (lift === undefined) return { reason: `nothing leads from schema_version ${form} on` };
    config = { ...lift(config), schema_version: form + 1 };
  }
  return { config };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
