import type { StreamClass } from "../contracts/flush.ts";
import { DAY_MS, MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { drain, type DrainDeps, type DrainResult } from "./drain.ts";
import { type DrainNotes, MAX_RENEWALS } from "./drain-notes.ts";
import type { DutyStore } from "./duty-store.ts";
import type { Realignment, StoredPosition } from "./realign.ts";
import type { StreamLog } from "./stream-log.ts";

/** What trying again cannot help is looked at again this often: somebody may have mended it. */
const STUCK_RETRY_MS = MINUTE_MS;
const TABLE: Readonly<Record<StreamClass, string>> = {
  bars: "candles_intraday",
  quotes: "quotes_l1",
};

/** What the drain of a stream works on and with. */
export interface DrainerDeps extends Pick<
  DrainDeps,
  "write" | "tryOut" | "stored" | "classify" | "random"
> {
  readonly name: string;
  readonly stream: StreamLog;
  /** Name of the duty that tries again. */
  readonly duty: string;
  readonly duties: DutyStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly notes: DrainNotes;
  /** Begins a new epoch of the stream, later than what is stored. */
  readonly renew: (stored: StoredPosition | null) => Promise<void>;
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

  /**
   * Drains until the log is empty or Postgres refuses; null when a drain is running already. In doubt of where
   * Postgres stands it is asked first.
   */
  start(isInDoubt: boolean): Promise<void> | null {
    if (this.#running) return null;
    this.#running = true;
    return this.#run(isInDoubt);
  }

  async #run(isInDoubt: boolean): Promise<void> {
    const { stream, random, classify, tryOut, stored } = this.#deps;
    const attempt = stream.meta.getNumber("drain_attempt") ?? 0;
    let result: DrainResult;
    try {
      result = await drain(
        {
          classify,
          random,
          tryOut,
          stored,
          write: (...batch) => this.#timedWrite(...batch),
          read: (fs, limit, bytes) => stream.log.readAfter(fs, limit, bytes),
          position: () => stream.position(),
          setDrained: (fs) => stream.setDrained(fs),
        },
        attempt,
        isInDoubt,
      );
      this.#note(result);
      // Until the new epoch stands, another drain would only ask for one more.
      if (result.kind === "renew") return await this.#renew(result.why, result.stored);
    } finally {
      // Free again in the turn that found the log empty: what is appended next starts a new drain.
      this.#running = false;
    }
    this.#settle(result, attempt);
  }

  #settle(result: Exclude<DrainResult, { kind: "renew" }>, attempt: number): void {
    const { stream } = this.#deps;
    stream.meta.set("drain_attempt", result.kind === "retry" ? attempt + 1 : 0);
    stream.meta.set("drain_fault", result.kind === "stuck" ? result.fault.message : "");
    if (result.kind === "drained") return;
    const { kind, sqlstate, message } = result.fault;
    this.#again(result.kind === "retry" ? result.afterMs : STUCK_RETRY_MS, {
      kind,
      sqlstate,
      message,
    });
  }

  /** A new epoch is made a few times a day at most: two services that share a database would never end. */
  async #renew(why: string, stored: StoredPosition | null): Promise<void> {
    const { notes, stream, market, renew } = this.#deps;
    const nowMs = market.now();
    if (notes.renewals(nowMs - DAY_MS) >= MAX_RENEWALS) {
      const message = `${why}; ${MAX_RENEWALS} new epochs in a day did not help: is the database shared with another service?`;
      stream.meta.set("drain_fault", message);
      return this.#again(STUCK_RETRY_MS, { kind: "renew", message });
    }
    try {
      await renew(stored);
    } catch (error) {
      return this.#again(STUCK_RETRY_MS, { kind: "renew", message: errorText(error) });
    }
    notes.renewed(nowMs);
    stream.meta.set("drain_fault", "");
    this.#deps.duties.reschedule(this.#deps.duty, nowMs);
  }

  #again(afterMs: number, why: Readonly<Record<string, string | null>>): void {
    const { stream, duties, duty, market, name } = this.#deps;
    duties.reschedule(duty, market.now() + afterMs);
    log("warn", "the drain did not finish", { group: name, class: stream.class, ...why });
  }

  /** What an operator has to know is logged, counted and kept. */
  #note({ parked, realigned }: DrainResult): void {
    const { stream, totals, notes, market, name } = this.#deps;
    for (const { part, fault } of parked) {
      totals.add("rows_parked_total", { class: stream.class, part });
      notes.add({
        kind: "parked",
        text: `a row was parked: ${fault.message}`,
        atMs: market.now(),
      });
    }
    for (const act of realigned) {
      totals.add("drain_realigned_total", { class: stream.class, kind: act.kind });
      log("warn", "Postgres stood elsewhere", { group: name, class: stream.class, ...act });
      if (act.kind !== "skip") notes.add({ kind: act.kind, text: textOf(act), atMs: market.now() });
    }
    if (parked.length > 0)
      log("error", "rows were parked", { group: name, class: stream.class, rows: parked.length });
  }

  async #timedWrite(...batch: Parameters<DrainDeps["write"]>): Promise<void> {
    const { stream, totals, wall } = this.#deps;
    const startedMs = wall.now();
    await this.#deps.write(...batch);
    const ms = wall.now() - startedMs;
    totals.observe("write_batch_ms", { table: TABLE[stream.class] }, ms);
    const [flushes] = batch;
    log(stream.class === "bars" ? "info" : "debug", "flushes were stored", {
      group: this.#deps.name,
      class: stream.class,
      epoch: stream.epoch(),
      fs_from: flushes[0]?.fs ?? null,
      fs_to: flushes.at(-1)?.fs ?? null,
      ms,
    });
  }
}

function textOf(act: Realignment): string {
  return act.kind === "renew"
    ? `a new epoch began: ${act.why}`
    : `Postgres was set back to flush ${act.toFs}: what came after it was sent again`;
}
