import type { SloSample } from "../contracts/slo.ts";
import type { SessionKind } from "../domain/calendar.ts";
import { isSampled, nextSampleMs } from "../domain/sample-plan.ts";
import {
  dueDate,
  type ErrorBudget,
  errorBudget,
  lagMs,
  lagsSince,
  SLO_LEVELS,
  violationRate,
} from "../domain/slo.ts";
import type { Tier } from "../domain/tier.ts";
import { type EpochMs, MINUTE_MS } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { errorText, log } from "../platform/log.ts";
import { BatchNumbers, type SendBatch } from "../platform/metric-batch.ts";
import { MetricTotals } from "../platform/metric-totals.ts";
import type { SampleStore } from "./sample-store.ts";
import { type SampleSource, takeSample } from "./take-sample.ts";

/** While the market is closed and something is lacking, it is looked at this often: a database may sleep. */
const CLOSED_EVERY_MS = 15 * MINUTE_MS;

/** What a sampler goes by; the configuration has it, and may change it while the sampler runs. */
export interface SamplerRules extends Pick<SampleSource, "schedule" | "sampleSize"> {
  /** Share of a tier's symbols that may violate. */
  readonly targets: Readonly<Record<Tier, number>>;
}

/** What a sampler is made from. */
export interface SamplerDeps extends Pick<SampleSource, "read"> {
  readonly store: SampleStore;
  /** Read once in each act, and not kept. */
  readonly rules: () => SamplerRules;
  /** The lowest version of the configuration that was acted by lately; null: none. */
  readonly configVersion: () => number | null;
  readonly now: () => EpochMs;
  /** Asks whether what lacks these bars knows that it does: a row may have been deleted by hand. */
  readonly audit: (date: TradingDate, symbols: readonly string[]) => Promise<void>;
  readonly report: SendBatch;
}

/** How the service stands against its targets. */
export interface SloStatus {
  readonly nowMs: EpochMs;
  readonly nextMs: EpochMs;
  /** Newest first. */
  readonly samples: readonly SloSample[];
  /** The session that began last: the budget is that of its date. */
  readonly date: TradingDate;
  readonly budgets: readonly {
    readonly tier: Tier;
    readonly interval: "1m" | "1d";
    readonly target: number;
    readonly budget: ErrorBudget | null;
  }[];
}

/** Takes samples, keeps them, and reports what they say as gauges. */
export class Sampler {
  #deps: SamplerDeps;
  /** A second caller waits for the sample that is being taken. */
  #running: Promise<void> | null = null;
  #numbers = new BatchNumbers();

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
  }

  /** When the next sample is due, by the schedule. */
  nextMs(): EpochMs {
    const { rules, store, now } = this.#deps;
    const { schedule } = rules();
    return nextSampleMs(schedule, store.last()?.atMs ?? null, now());
  }

  /** Which session it is now; undefined when the market is closed. */
  sessionKind(): SessionKind | undefined {
    return this.#deps.rules().schedule.calendar.sessionKind(this.#deps.now());
  }

  /** Takes the sample that is due, if one is. */
  async runDue(): Promise<void> {
    if (this.nextMs() <= this.#deps.now()) await this.#sample();
  }

  /**
   * Looks after a closed market, each minute: tells again what is known, and looks again when something
   * was lacking or unknown, or another daily bar is due. While it is open the schedule does; until the next
   * sample is due the last one is told again, for gauges expire sooner than a slow cadence brings new ones.
   */
  async lookAfter(): Promise<void> {
    const nowMs = this.#deps.now();
    const { store } = this.#deps;
    const { schedule } = this.#deps.rules();
    const last = store.last();
    if (last === null) return;
    if (isSampled(schedule, nowMs)) {
      if (this.nextMs() > nowMs) await this.#report(last);
      return;
    }
    const day = dueDate(schedule.calendar, nowMs);
    const rests = last.state === "measured" && last.day === day && !this.#lacks(last, nowMs);
    if (rests || nowMs - last.atMs < CLOSED_EVERY_MS) await this.#report(last);
    else await this.#sample();
  }

  /** The last sample; null before the first one. */
  last(): SloSample | null {
    return this.#deps.store.last();
  }

  /** The last samples, `count` at most, and the budgets of the last session's date so far. */
  status(count: number): SloStatus {
    const { store, now } = this.#deps;
    const { schedule, targets } = this.#deps.rules();
    const nowMs = now();
    const { date, openMs } = schedule.calendar.previousSession(nowMs);
    const ofDate = store.since(openMs);
    const budgets = SLO_LEVELS.map(({ tier, interval }) => {
      const rates = ofDate.map((sample) => rateOf(sample, tier, interval));
      return { tier, interval, target: targets[tier], budget: errorBudget(rates, targets[tier]) };
    });
    return { nowMs, nextMs: this.nextMs(), samples: store.newest(count), date, budgets };
  }

  #sample(): Promise<void> {
    this.#running ??= this.#take().finally(() => (this.#running = null));
    return this.#running;
  }

  async #take(): Promise<void> {
    const { store, now, read, rules } = this.#deps;
    const sample = await takeSample({ ...rules(), read }, store.nextNumber(), now());
    store.add(sample);
    if (sample.state === "unknown")
      log("error", "the service level is unknown", { reason: sample.reason });
    await this.#report(sample);
    await this.#audit(sample);
  }

  /** An audit that was not asked for is asked for by the next sample that finds the same. */
  async #audit(sample: SloSample): Promise<void> {
    if (sample.state === "unknown") return;
    const lacking = sample.violating.filter(({ interval }) => interval === "1m");
    if (lacking.length === 0) return;
    try {
      const symbols = lacking.map(({ symbol }) => symbol);
      await this.#deps.audit(sample.minutes.date, symbols);
    } catch (error) {
      log("warn", "an audit could not be asked for", { error: errorText(error) });
    }
  }

  /** A report that is lost is made good by the next one. */
  async #report(sample: SloSample): Promise<void> {
    try {
      const totals = this.#gauges(sample).toJSON();
      await this.#deps.report({ seq: this.#numbers.next(), totals });
    } catch (error) {
      log("warn", "the service level was not reported", { error: errorText(error) });
    }
  }

  /** What is not known is absent. */
  #gauges(sample: SloSample): MetricTotals {
    const totals = new MetricTotals();
    totals.set("config_version", { component: "slo" }, this.#deps.configVersion());
    for (const { tier, interval } of SLO_LEVELS)
      totals.set("slo_gap_violation_rate", { tier, interval }, rateOf(sample, tier, interval));
    if (sample.state === "unknown") return totals;
    for (const { tier, interval, completeBeforeMs } of sample.levels) {
      if (completeBeforeMs === null) continue;
      const sinceMs = lagsSince(this.#deps.rules().schedule.calendar, completeBeforeMs);
      totals.setSince("ingestion_lag_seconds", { tier, interval }, sinceMs);
    }
    return totals;
  }

  #lacks(sample: SloSample & { readonly state: "measured" }, nowMs: EpochMs): boolean {
    const { calendar } = this.#deps.rules().schedule;
    return sample.levels.some(
      ({ exact, completeBeforeMs }) =>
        exact.violating > 0 ||
        (completeBeforeMs !== null && lagMs(calendar, completeBeforeMs, nowMs) > 0),
    );
  }
}

/** The exact rate of a level at a sample; null when it is unknown or over nothing. */
function rateOf(sample: SloSample, tier: Tier, interval: "1m" | "1d"): number | null {
  if (sample.state === "unknown") return null;
  const level = sample.levels.find((one) => one.tier === tier && one.interval === interval);
  return level === undefined ? null : violationRate(level.exact);
}
