import { type ServiceConfig, serviceConfigSchema } from "../contracts/config.ts";
import type { Settings } from "../env.ts";
import { type CheckedWorld, checkConfig, type ConfigCheck } from "./check-config.ts";
import { type ConfigChange, diffConfig } from "./diff-config.ts";
import { type ConfigFault, faultsByPath } from "./json-path.ts";
import { overDefaults } from "./over-defaults.ts";

/** A configuration that was asked for: what it would be and change, or every fault by its path. */
export type ProposedConfig =
  | {
      readonly ok: true;
      readonly config: ServiceConfig;
      readonly changes: readonly ConfigChange[];
      readonly checks: readonly ConfigCheck[];
    }
  | {
      readonly ok: false;
      readonly faults: readonly ConfigFault[];
      /** None, when it could not even be read. */
      readonly checks: readonly ConfigCheck[];
    };

/**
 * Holds a configuration that was asked for against the schema, then against the service. What it leaves out
 * is taken from `defaults`.
 */
export function proposeConfig(
  given: unknown,
  defaults: ServiceConfig,
  current: Settings,
  world: CheckedWorld,
): ProposedConfig {
  const parsed = serviceConfigSchema.safeParse(overDefaults(given, defaults));
  if (!parsed.success) return { ok: false, faults: faultsByPath(parsed.error), checks: [] };
  const config = parsed.data;
  const checks = checkConfig(current, { ...current, config }, world);
  const faults = checks
    .filter(({ verdict }) => verdict === "fault")
    .map(({ path, detail }) => ({ path, message: detail }));
  if (faults.length > 0) return { ok: false, faults, checks };
  return { ok: true, config, changes: diffConfig(current.config, config), checks };
}
