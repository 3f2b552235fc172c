import type { ConfigStamp, ConfigState } from "../contracts/config-version.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import type { WallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { within } from "../platform/timers.ts";
import { readConfig } from "./lift-config.ts";

/** No act uses a configuration that was replaced longer ago than this, wall ms. */
const CONFIG_TTL_MS = 5_000;
/** Who asks waits so long for ConfigStore; its answer is younger than the bound above by then. */
const ANSWER_TIMEOUT_MS = 2_000;
/** ConfigStore did not answer: the next question comes so much later, not with each act. */
const ASK_AGAIN_MS = 1_000;

/** What the live configuration is made from. */
export interface LiveConfigDeps {
  /** The deployment's, whose configuration is the variables'. */
  readonly base: Settings;
  readonly wall: WallClock;
  /** Asks ConfigStore; the body is left out for who has it. */
  readonly read: (known: ConfigStamp | null) => Promise<ConfigState>;
}

/**
 * The configuration of an isolate, asked for again by its version when the last answer is old. Who comes
 * while a question is on its way waits for the same answer. While ConfigStore does not answer, the last good
 * configuration holds; while none is known, nobody acts. One version is one `Settings` object.
 */
export class LiveConfig {
  #deps: LiveConfigDeps;
  #settings: Settings;
  #stamp: ConfigStamp | null = null;
  /** When the last question that was answered was asked: what it said was true then. */
  #askedMs: EpochMs | null = null;
  #asking: Promise<void> | null = null;
  #questions = 0;
  #answered = 0;
  #silence: { readonly untilMs: EpochMs; readonly reason: string } | null = null;

  constructor(deps: LiveConfigDeps) {
    this.#deps = deps;
    this.#settings = deps.base;
  }

  /** As it was known last: for what follows `renew` in the same act. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Which version that is; null while none is known. */
  get stamp(): ConfigStamp | null {
    return this.#stamp;
  }

  /** Why the configuration can't be asked for; null when it can. */
  get fault(): string | null {
    return this.#silence?.reason ?? null;
  }

  /** The settings to act by now. Rejects while no configuration has ever been known. */
  async renew(): Promise<Settings> {
    if (!this.#isFresh()) await this.#ask();
    if (this.#stamp === null)
      throw new Error(`the configuration is not known: ${this.fault ?? "nobody answered"}`);
    return this.#settings;
  }

  /** Takes in that another version may be active: what was asked before does not tell. */
  async learn(told: ConfigStamp): Promise<Settings> {
    const before = this.#asking;
    if (!this.#isKnown(told) && before !== null)
      await within(ANSWER_TIMEOUT_MS, before).catch(() => undefined);
    if (!this.#isKnown(told)) {
      this.#askedMs = null;
      this.#silence = null;
    }
    return await this.renew();
  }

  #isKnown({ version, atMs }: ConfigStamp): boolean {
    return this.#stamp?.version === version && this.#stamp.atMs === atMs;
  }

  #isFresh(): boolean {
    const nowMs = this.#deps.wall.now();
    if (this.#stamp !== null && this.#silence !== null && nowMs < this.#silence.untilMs)
      return true;
    // A clock that was set back makes an answer old, not young for ever.
    const ageMs = this.#askedMs === null ? Infinity : nowMs - this.#askedMs;
    return ageMs >= 0 && ageMs <= CONFIG_TTL_MS;
  }

  /** Never rejects. A question whose asker is gone may never be answered: each who waits has an end. */
  async #ask(): Promise<void> {
    this.#asking ??= this.#question();
    const asking = this.#asking;
    try {
      await within(ANSWER_TIMEOUT_MS, asking);
    } catch (error) {
      if (this.#asking === asking) this.#fallSilent(errorText(error));
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  async #question(): Promise<void> {
    const askedMs = this.#deps.wall.now();
    const number = ++this.#questions;
    const state = await this.#deps.read(this.#stamp);
    // What was asked earlier and is answered later is old.
    if (number < this.#answered) return;
    this.#answered = number;
    this.#take(state);
    this.#askedMs = askedMs;
    this.#silence = null;
  }

  #take({ inForce, body }: ConfigState): void {
    if (body === null || this.#isKnown(inForce)) return;
    const read = readConfig(body);
    // ConfigStore runs the same code, save for the moment of a deploy.
    if (!read.ok) throw new Error(`the configuration can't be read: ${read.reason}`);
    const { version, atMs } = inForce;
    this.#stamp = { version, atMs };
    this.#settings = { ...this.#deps.base, config: read.config, configVersion: version };
  }

  #fallSilent(reason: string): void {
    this.#silence = { untilMs: this.#deps.wall.now() + ASK_AGAIN_MS, reason };
    log("warn", "the configuration could not be asked for: the last good one holds", {
      version: this.#stamp?.version ?? null,
      error: reason,
    });
  }
}
