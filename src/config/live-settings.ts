import { readSettings, type Settings } from "../env.ts";
import { wallClock } from "../platform/clocks.ts";
import { configStoreStub } from "../platform/stubs.ts";
import { LiveConfig } from "./live-config.ts";

// One of a deployment, for all that run in an isolate.
const lives = new WeakMap<Settings, LiveConfig>();

/**
 * The settings to act by: those of the deployment, with the configuration that is in force. Asked for at the
 * start of each act, they are never older than five seconds. Rejects while the service is not configured,
 * or while no configuration has ever been known.
 */
export async function liveSettings(env: Env): Promise<Settings> {
  return await liveConfig(env).renew();
}

/** The configuration of this isolate. Throws while the service is not configured. */
export function liveConfig(env: Env): LiveConfig {
  const read = readSettings(env);
  if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
  const base = read.settings;
  const known = lives.get(base);
  if (known !== undefined) return known;
  const live = new LiveConfig({
    base,
    wall: wallClock,
    read: (stamp) => configStoreStub(env).configState(stamp),
  });
  lives.set(base, live);
  return live;
}
