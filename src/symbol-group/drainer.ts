import type { StreamClass } from "../contracts/flush.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { log } from "../platform/log.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { drain, type DrainDeps, type DrainResult } from "./drain.ts";
import type { DutyStore } from "./duty-store.ts";
import type { StreamLog } from "./stream-log.ts";

/** What trying again cannot help is looked at again this often: somebody may have mended it. */
const STUCK_RETRY_MS = MINUTE_MS;
const TABLE: Readonly<Record<StreamClass, string>> = {
  bars: "candles_intraday",
  quotes: "quotes_l1",
};

/** What the drain of a stream works on and with. */
export interface DrainerDeps extends Pick<DrainDeps, "write" | "classify" | "random"> {
  readonly name: string;
  readonly stream: StreamLog;
  /** Name of the duty that tries again. */
  readonly duty: string;
  readonly duties: DutyStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly wall: WallClock;
}

/** Works a log off to Postgres, one drain at a time; what fails is tried again as a duty. */
export class Drainer {
  #deps: DrainerDeps;
  #running = false;

  constructor(deps: DrainerDeps) {
    this.#deps = deps;
  }

  /** Whether something waits that no duty and no running drain will take. */
  isIdleWithBacklog(): boolean {
    const { stream, duties, duty } = this.#deps;
    return !this.#running && !duties.has(duty) && stream.backlog().flushes > 0;
  }

  /** Drains until the log is empty or Postgres refuses; null when a drain is running already. */
  start(): Promise<void> | null {
    if (this.#running) return null;
    this.#running = true;
    return this.#run();
  }

  async #run(): Promise<void> {
    const { stream, random, classify } = this.#deps;
    const attempt = stream.meta.getNumber("drain_attempt") ?? 0;
    const result = await drain(
      {
        classify,
        random,
        mayMiss: stream.class === "quotes",
        write: (flushes, afterFs) => this.#timedWrite(flushes, afterFs),
        read: (fs, limit, bytes) => stream.log.readAfter(fs, limit, bytes),
        drainedFs: () => stream.drainedFs(),
        setDrained: (fs) => stream.setDrained(fs),
      },
      attempt,
      // Free again in the turn that found the log empty: what is appended next starts a new drain.
    ).finally(() => (this.#running = false));
    this.#settle(result, attempt);
  }

  #settle(result: DrainResult, attempt: number): void {
    const { stream, duties, duty, market, name } = this.#deps;
    stream.meta.set("drain_attempt", result.kind === "retry" ? attempt + 1 : 0);
    stream.meta.set("drain_fault", result.kind === "stuck" ? result.fault.message : "");
    if (result.kind === "drained") return;
    const afterMs = result.kind === "retry" ? result.afterMs : STUCK_RETRY_MS;
    duties.reschedule(duty, market.now() + afterMs);
    const { kind, sqlstate, message } = result.fault;
    log("warn", "the drain did not finish", {
      group: name,
      class: stream.class,
      kind,
      sqlstate,
      message,
    });
  }

  async #timedWrite(...batch: Parameters<DrainDeps["write"]>): Promise<void> {
    const { stream, totals, wall } = this.#deps;
    const startedMs = wall.now();
    await this.#deps.write(...batch);
    totals.observe("write_batch_ms", { table: TABLE[stream.class] }, wall.now() - startedMs);
  }
}
