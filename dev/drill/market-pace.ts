import { setTimeout as delay } from "node:timers/promises";
import type { LocalStack } from "../stack/local-stack.ts";
import type { MarketDriver } from "../stack/driver.ts";

const RETRY_MS = 200;

/** Market time that goes on by itself, over a runtime that is down, until it is stopped. */
export class MarketPace {
  #stack: LocalStack;
  #driver: MarketDriver;
  #stopping = new AbortController();
  #running: Promise<void> | null = null;
  /** While set, nobody steps: the runtime is being restarted. */
  #held = false;

  constructor(stack: LocalStack, driver: MarketDriver) {
    this.#stack = stack;
    this.#driver = driver;
  }

  get nowMs(): number {
    return this.#driver.nowMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** SIGKILL to the runtime; market time stands still until `restart`. */
  async kill(): Promise<void> {
    this.#held = true;
    await this.#stack.killRuntime();
  }

  async restart(): Promise<void> {
    await this.#stack.restartRuntime();
    await this.#driver.begin(this.#stack.serviceUrl());
    this.#held = false;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.#held) await delay(RETRY_MS, undefined, { signal });
        else await this.#driver.step(this.#stack.serviceUrl(), Infinity, signal);
      } catch {
        // A step that broke is taken again; a runtime that is gone is somebody's doing.
        if (!signal.aborted) await delay(RETRY_MS);
      }
    }
  }
}
