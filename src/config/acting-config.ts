import type { ConfigStamp, HeldConfig } from "../contracts/config-version.ts";
import type { Settings } from "../env.ts";
import { wallClock } from "../platform/clocks.ts";
import { liveConfig } from "./live-settings.ts";
import { VersionWatch } from "./version-watch.ts";

/**
 * The configuration that an object acts by. Each verb that acts begins with `renew`; its parts read
 * `settings` in the same act, and never keep what they read. Nothing of it is durable.
 */
export class ActingConfig {
  #env: Env;
  #watch = new VersionWatch();

  constructor(env: Env) {
    this.#env = env;
  }

  /** As last renewed. Throws while the service is not configured. */
  get settings(): Settings {
    return liveConfig(this.#env).settings;
  }

  /** The settings to act by now, which is noted. */
  async renew(): Promise<Settings> {
    const settings = await liveConfig(this.#env).renew();
    this.#watch.note(settings.configVersion, wallClock.now());
    return settings;
  }

  /** The lowest version that was acted by in the last five minutes; null: none. */
  lowest(): number | null {
    return this.#watch.lowest(wallClock.now());
  }

  /** Learns that a version has become the active one; null: asks whether one has. Answers what it holds now. */
  async learn(told: ConfigStamp | null): Promise<HeldConfig> {
    const live = liveConfig(this.#env);
    await (told === null ? live.renew() : live.learn(told));
    return { version: 0, atMs: 0, ...live.stamp, lowest: this.lowest() };
  }
}
