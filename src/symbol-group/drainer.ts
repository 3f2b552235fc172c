import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { log } from "../platform/log.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { drain, type DrainDeps, type DrainResult } from "./drain.ts";
import type { DutyStore } from "./duty-store.ts";
import type { Ledger } from "./ledger.ts";

/** What trying again cannot help is looked at again this often: somebody may have mended it. */
const STUCK_RETRY_MS = MINUTE_MS;
/** The duty that tries again. */
export const DRAIN_DUTY = "drain";

/** What the drain of a group works on and with. */
export interface DrainerDeps extends Pick<DrainDeps, "write" | "classify" | "random"> {
  readonly name: string;
  readonly ledger: Ledger;
  readonly duties: DutyStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly wall: WallClock;
}

/** Works the log off to Postgres, one drain at a time; what fails is tried again as a duty. */
export class Drainer {
  #deps: DrainerDeps;
  #running = false;

  constructor(deps: DrainerDeps) {
    this.#deps = deps;
  }

  /** Whether something waits that no duty and no running drain will take. */
  isIdleWithBacklog(): boolean {
    const { ledger, duties } = this.#deps;
    return (
      !this.#running &&
      !duties.has(DRAIN_DUTY) &&
      this.backlog().flushes > 0 &&
      ledger.roster.length > 0
    );
  }

  backlog(): { flushes: number; bytes: number; oldestAsOf: EpochMs | null } {
    const { ledger } = this.#deps;
    return ledger.log.backlog(ledger.drainedFs());
  }

  /** Drains until the log is empty or Postgres refuses; null when a drain is running already. */
  start(): Promise<void> | null {
    if (this.#running) return null;
    this.#running = true;
    return this.#run();
  }

  async #run(): Promise<void> {
    const { ledger, random, classify } = this.#deps;
    const attempt = ledger.meta.getNumber("drain_attempt") ?? 0;
    const result = await drain(
      {
        classify,
        random,
        write: (flushes) => this.#timedWrite(flushes),
        read: (fs, limit, bytes) => ledger.log.readAfter(fs, limit, bytes),
        drainedFs: () => ledger.drainedFs(),
        setDrained: (fs) => ledger.setDrained(fs),
      },
      attempt,
      // Free again in the turn that found the log empty: what is appended next starts a new drain.
    ).finally(() => (this.#running = false));
    this.#settle(result, attempt);
  }

  #settle(result: DrainResult, attempt: number): void {
    const { ledger, duties, market, name } = this.#deps;
    ledger.meta.set("drain_attempt", result.kind === "retry" ? attempt + 1 : 0);
    ledger.meta.set("drain_fault", result.kind === "stuck" ? result.fault.message : "");
    if (result.kind === "drained") return;
    const afterMs = result.kind === "retry" ? result.afterMs : STUCK_RETRY_MS;
    duties.reschedule(DRAIN_DUTY, market.now() + afterMs);
    const { kind, sqlstate, message } = result.fault;
    log("warn", "the drain did not finish", { group: name, kind, sqlstate, message });
  }

  async #timedWrite(flushes: Parameters<DrainDeps["write"]>[0]): Promise<void> {
    const startedMs = this.#deps.wall.now();
    await this.#deps.write(flushes);
    const tookMs = this.#deps.wall.now() - startedMs;
    this.#deps.totals.observe("write_batch_ms", { table: "candles_intraday" }, tookMs);
  }
}
