import type { Task, TaskOutcome } from "../contracts/tasks.ts";
import type { EpochMs } from "../domain/time.ts";
import type { MarketClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { DailyDuties, type DailyDutiesConfig } from "./daily-duties.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import { countTask } from "./group-metrics.ts";
import type { MetaStore } from "../platform/meta-store.ts";
import {
  type PlannedTask,
  ServiceDuties,
  TASK_PATIENCE_MS,
  taskOf,
  writeTask,
} from "./service-duties.ts";

/** Of a task that broke down or was not heard of again. */
const NOTHING_DONE: TaskOutcome = { calls: [], selected: [], failures: [], done: false };

/** What group g00 runs the tasks of the whole service with. */
export interface ServiceTasksDeps {
  readonly duties: DutyStore;
  readonly meta: MetaStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly daily: DailyDutiesConfig;
  /** The tasks that a cron tick makes due, beside those that are planned from what is remembered here. */
  readonly planTasks: (tickMs: EpochMs) => readonly PlannedTask[];
  /** Runs a task in an invocation of its own; it ends by calling `ended`. */
  readonly runTask: (task: Task) => Promise<void>;
}

/** The tasks of the whole service on their way: planned, started, ended, and planned again. */
export class ServiceTasks {
  #deps: ServiceTasksDeps;
  #duties: ServiceDuties;
  #daily: DailyDuties;

  constructor(deps: ServiceTasksDeps) {
    this.#deps = deps;
    const daily = new DailyDuties(deps.daily, deps.duties, deps.meta);
    this.#daily = daily;
    this.#duties = new ServiceDuties(deps.duties, deps.meta, {
      planTasks: deps.planTasks,
      restOf: (task, outcome) => {
        if (task.type === "daily_bars") return daily.ended(task, outcome);
        if (task.type === "universe" && task.scope === "lists" && outcome.done)
          daily.universeRead();
        return task;
      },
    });
  }

  plan(tickMs: EpochMs): void {
    this.#duties.plan(tickMs);
    for (const planned of this.#daily.plan(tickMs)) writeTask(this.#deps.duties, planned);
  }

  /** Reads the symbol lists when due, unless that is under way; answers the name of the task. */
  refreshUniverse(dueMs: EpochMs): string {
    return this.#duties.refreshUniverse(dueMs);
  }

  /** Starts a due task; resolves when its runner has ended. */
  async start(duty: Duty, nowMs: EpochMs): Promise<void> {
    this.#deps.duties.start(duty.name, nowMs, nowMs + TASK_PATIENCE_MS);
    try {
      await this.#deps.runTask(taskOf(duty));
    } catch (error) {
      log("error", "a task broke down", { duty: duty.name, error: errorText(error) });
      this.ended(duty.name, NOTHING_DONE);
    }
  }

  /** A task has ended; one that is not done comes again. */
  ended(name: string, outcome: TaskOutcome): void {
    this.#duties.end(name, outcome, this.#deps.market.now());
    countTask(this.#deps.totals, name, outcome);
    for (const failure of outcome.failures) {
      log("warn", "a provider failed", { duty: name, ...failure });
    }
  }

  /** A task was not heard of again within its patience. */
  lost(name: string): void {
    this.#duties.end(name, NOTHING_DONE, this.#deps.market.now());
  }
}
