import { setTimeout as delay } from "node:timers/promises";
import type { AlertName } from "../monitoring/alert-parameters.ts";
import type { Prometheus } from "../monitoring/run-prometheus.ts";

const POLL_MS = 250;

/** Watches the alerts of a Prometheus; every wait has an end. */
export class AlertWatch {
  #prometheus: Prometheus;

  constructor(prometheus: Prometheus) {
    this.#prometheus = prometheus;
  }

  /** Names of the alerts that fire now. */
  async firing(): Promise<Set<string>> {
    const rules = await this.#prometheus.rules();
    return new Set(rules.filter(({ state }) => state === "firing").map(({ name }) => name));
  }

  /** Waits for each alert to fire at least once; answers the seconds until each did, null for one that did not. */
  async untilFired(
    names: readonly AlertName[],
    timeoutMs: number,
  ): Promise<Map<AlertName, number | null>> {
    return await this.#wait(names, timeoutMs, (firing, name) => firing.has(name));
  }

  /** Waits for each alert to be resolved, all of them at the same time. */
  async untilResolved(
    names: readonly AlertName[],
    timeoutMs: number,
  ): Promise<Map<AlertName, number | null>> {
    const startedMs = performance.now();
    let since = new Map<AlertName, number | null>();
    for (;;) {
      const seconds = (performance.now() - startedMs) / 1_000;
      const firing = await this.firing();
      // One that fires again was not resolved.
      since = new Map(
        names.map((name) => [name, firing.has(name) ? null : (since.get(name) ?? seconds)]),
      );
      const all = [...since.values()].every((value) => value !== null);
      if (all || seconds * 1_000 > timeoutMs) return since;
      await delay(POLL_MS);
    }
  }

  async #wait(
    names: readonly AlertName[],
    timeoutMs: number,
    isOver: (firing: ReadonlySet<string>, name: AlertName) => boolean,
  ): Promise<Map<AlertName, number | null>> {
    const startedMs = performance.now();
    const seen = new Map<AlertName, number | null>(names.map((name) => [name, null]));
    for (;;) {
      const seconds = (performance.now() - startedMs) / 1_000;
      const firing = await this.firing();
      for (const name of names)
        if (seen.get(name) === null && isOver(firing, name)) seen.set(name, seconds);
      const all = [...seen.values()].every((value) => value !== null);
      if (all || seconds * 1_000 > timeoutMs) return seen;
      await delay(POLL_MS);
    }
  }
}
