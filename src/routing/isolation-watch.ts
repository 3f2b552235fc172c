import type { WallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import type { Isolation } from "./isolation.ts";

/** An isolation that was read longer ago than this, wall ms, is read again before anybody acts on it. */
const ISOLATION_TTL_MS = 5_000;

/** Whose isolation is watched, where it is written, and who is told of it. */
export interface IsolationWatchDeps {
  readonly wall: WallClock;
  readonly read: () => Promise<Isolation>;
  readonly learn: (isolation: Isolation) => Promise<void>;
}

/** Knows when the isolation of a provider has to be read again. Nothing of it is durable. */
export class IsolationWatch {
  #deps: IsolationWatchDeps;
  #readAtMs: number | null = null;
  #reading: Promise<void> | null = null;

  constructor(deps: IsolationWatchDeps) {
    this.#deps = deps;
  }

  /** It has just been told: what is known is new. */
  told(): void {
    this.#readAtMs = this.#deps.wall.now();
  }

  /** Reads it again when what is known is old; who comes meanwhile waits for the same answer. */
  async refresh(): Promise<void> {
    const { wall } = this.#deps;
    if (this.#readAtMs !== null && wall.now() - this.#readAtMs <= ISOLATION_TTL_MS) return;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    await this.#reading;
  }

  /** While it can't be read, what is known holds on. */
  async #read(): Promise<void> {
    try {
      await this.#deps.learn(await this.#deps.read());
    } catch (error) {
      log("warn", "the isolation of a provider could not be read", { error: errorText(error) });
    }
    this.told();
  }
}
