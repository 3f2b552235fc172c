import type { AuditNote } from "../contracts/audit.ts";
import type { Task, TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import type { EpochMs } from "../domain/time.ts";
import type { MarketClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { AuditBook } from "./audit-book.ts";
import { DailyDuties, type DailyDutiesConfig } from "./daily-duties.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import { countAudit, countDropped, countTask } from "./group-metrics.ts";
import type { MetaStore } from "../platform/meta-store.ts";
import {
  type PlannedTask,
  ServiceDuties,
  TASK_PATIENCE_MS,
  taskOf,
  taskTypeOf,
  writeTask,
} from "./service-duties.ts";
import { UnservedBook, type UnservedTask } from "./unserved-book.ts";

/** Of a task that broke down or was not heard of again. */
const NOTHING_DONE: TaskOutcome = { calls: [], selected: [], failures: [], done: false };

/** What group g00 runs the tasks of the whole service with. */
export interface ServiceTasksDeps {
  readonly duties: DutyStore;
  readonly meta: MetaStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly rules: DailyDutiesConfig["rules"];
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
  #audits: AuditBook;
  #unserved: UnservedBook;

  constructor(deps: ServiceTasksDeps) {
    this.#deps = deps;
    const daily = new DailyDuties(deps, deps.duties, deps.meta);
    this.#daily = daily;
    this.#audits = new AuditBook(deps.meta);
    this.#unserved = new UnservedBook(deps.meta);
    this.#duties = new ServiceDuties(deps.duties, deps.meta, {
      planTasks: deps.planTasks,
      restOf: (task, outcome) => {
        if (task.type === "daily_bars") return daily.ended(task, outcome);
        if (task.type === "universe" && task.scope === "lists" && outcome.done)
          daily.universeRead();
        if (task.type === "options") return optionsLeft(task, outcome);
        return task.type === "audit" ? auditsLeft(task, outcome) : task;
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

  /** Audits these groups over a session now, save those that were asked for lately. */
  askAudit(date: string, groups: readonly number[], nowMs: EpochMs): void {
    const task = this.#audits.ask(date, groups, nowMs);
    if (task !== null) writeTask(this.#deps.duties, { task, dueMs: nowMs, once: true });
  }

  /** The last audits, newest first. */
  audits(): AuditNote[] {
    return this.#audits.read();
  }

  /** The tasks that nothing configured serves, with the reasons. */
  unserved(): UnservedTask[] {
    return this.#unserved.read();
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
    const type = taskTypeOf(name);
    if (type !== null && outcome.unserved !== undefined)
      this.#unserved.keep(type, outcome.unserved);
    if (outcome.audit !== undefined) {
      this.#audits.keep(name, outcome.audit, this.#deps.market.now());
      countAudit(this.#deps.totals, outcome.audit);
    }
    if (outcome.dropped !== undefined) countDropped(this.#deps.totals, outcome.dropped);
    for (const failure of outcome.failures) {
      log("warn", "a provider failed", { duty: name, ...failure });
    }
  }

  /** A task was not heard of again within its patience. */
  lost(name: string): void {
    this.#duties.end(name, NOTHING_DONE, this.#deps.market.now());
  }
}

/** What is left of an audit: the groups that did not answer; all of it when none did. */
function auditsLeft(task: TaskOf<"audit">, { audit }: TaskOutcome): Task {
  if (audit === undefined || audit.left.length === 0) return task;
  return audit.left.length < task.groups.length ? { ...task, groups: audit.left } : task;
}

/** What is left of a reading of options: the underlyings that were not answered for. */
function optionsLeft(task: TaskOf<"options">, outcome: TaskOutcome): Task {
  const answered = new Set(outcome.answered_underlyings);
  const underlyings = task.underlyings.filter((symbol) => !answered.has(symbol));
  return underlyings.length === 0 || answered.size === 0 ? task : { ...task, underlyings };
}
