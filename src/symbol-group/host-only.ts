import type { SqlStorage } from "@cloudflare/workers-types";
import type { Channel } from "../contracts/stream.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { MarketClock } from "../platform/clocks.ts";
import { InFlight } from "../platform/in-flight.ts";
import { errorText, log } from "../platform/log.ts";
import { MetaStore } from "../platform/meta-store.ts";
import { MetricsReporter, type SendBatch } from "../platform/metric-batch.ts";
import { DutyStore } from "./duty-store.ts";

/** A host looks after its streams this often while it has connections. */
const SWEEP_EVERY_MS = MINUTE_MS;
const SWEEP_DUTY = "sweep";
const METRICS_KEY = "metrics";

/** What a host-only instance needs of its object and of its host side. */
export interface HostOnlyDeps {
  readonly name: string;
  readonly sql: SqlStorage;
  readonly market: MarketClock;
  readonly keepAlive: (work: Promise<void>) => void;
  readonly sweepHost: () => Promise<void>;
  readonly connections: () => number;
  /** Connections that take each channel. */
  readonly channels: () => ReadonlyMap<Channel, number>;
  readonly report: SendBatch;
}

/**
 * A host-only instance as a process: the sweep while it has connections, and its reports. It has no members, no
 * log, no polls and no drain.
 */
export class HostOnly {
  readonly metrics: MetricsReporter;
  readonly inFlight: InFlight;
  #deps: HostOnlyDeps;
  #duties: DutyStore;

  constructor(deps: HostOnlyDeps) {
    this.#deps = deps;
    this.#duties = new DutyStore(deps.sql);
    this.metrics = new MetricsReporter(new MetaStore(deps.sql).cell(METRICS_KEY), deps.report);
    this.inFlight = new InFlight(deps.keepAlive, (error) => {
      log("error", "background work failed", { host: deps.name, error: errorText(error) });
    });
  }

  planSweep(): void {
    this.#duties.plan(SWEEP_DUTY, this.#deps.market.now() + SWEEP_EVERY_MS);
  }

  /** Starts the sweep when it is due; returns the next due instant. */
  runDue(): EpochMs | null {
    for (const { name } of this.#duties.due(this.#deps.market.now())) {
      this.#duties.finish(name);
      this.inFlight.track(this.#sweep());
    }
    return this.nextDueMs();
  }

  nextDueMs(): EpochMs | null {
    return this.#duties.nextDueMs();
  }

  idle(): Promise<void> {
    return this.inFlight.idle();
  }

  async #sweep(): Promise<void> {
    if (this.#deps.connections() > 0) this.planSweep();
    try {
      await this.#deps.sweepHost();
    } finally {
      await this.#report();
    }
  }

  async #report(): Promise<void> {
    const { name, connections, channels } = this.#deps;
    const { totals } = this.metrics;
    totals.set("ws_clients_gauge", { group: name }, connections());
    for (const [channel, count] of channels()) totals.set("ws_subscriptions", { channel }, count);
    await this.metrics.report();
  }
}
