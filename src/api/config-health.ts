import { liveConfig } from "../config/live-settings.ts";
import { within } from "../platform/timers.ts";
import { errorText } from "../platform/log.ts";
import { configStoreStub } from "../platform/stubs.ts";

/** ConfigStore is asked by readiness itself: what an isolate holds says nothing of it. */
const ANSWER_TIMEOUT_MS = 2_000;

/** How the configuration stands, as readiness tells of it. */
export interface ConfigHealth {
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly view: {
    readonly in_force: number | null;
    readonly active: number | null;
    readonly fault: string | null;
  };
}

/** Asks ConfigStore. Never rejects: one that does not answer is a reason, and the last good version holds. */
export async function configHealth(env: Env): Promise<ConfigHealth> {
  try {
    const asked = configStoreStub(env).configState(null);
    const { inForce, active, fault, isDrifted } = await within(ANSWER_TIMEOUT_MS, asked);
    const drift = `the deployment's variables have changed since version ${active.version} of the configuration was set: POST /ops/config/reload takes them`;
    return {
      reasons: fault === null ? [] : [`config: ${fault}`],
      warnings: isDrifted ? [drift] : [],
      view: { in_force: inForce.version, active: active.version, fault },
    };
  } catch (error) {
    const held = liveConfig(env).settings.configVersion;
    const fault = `ConfigStore does not answer, version ${held} holds: ${errorText(error)}`;
    return {
      reasons: [`config: ${fault}`],
      warnings: [],
      view: { in_force: held, active: null, fault },
    };
  }
}
