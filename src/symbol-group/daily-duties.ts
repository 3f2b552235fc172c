import { z } from "zod";
import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import {
  type DailyMemory,
  NO_DAILY_MEMORY,
  planDaily,
  withAnswered,
  withNewRound,
} from "../domain/daily-plan.ts";
import type { EpochMs } from "../domain/time.ts";
import type { DutyStore } from "./duty-store.ts";
import type { GroupRules } from "./group-rules.ts";
import type { MetaStore } from "../platform/meta-store.ts";
import { type PlannedTask, taskDuty } from "./service-duties.ts";

const MEMORY_KEY = "daily_bars";
const CATCH_UP = taskDuty("daily_bars", "catch-up:");

const memorySchema = z.object({
  plannedCloseMs: z.number().nullable(),
  answered: z.array(z.string()),
  round: z.object({ newest: z.string(), before: z.string() }).nullable(),
});

/** What the daily bars are planned by. */
export interface DailyDutiesConfig {
  readonly rules: () => GroupRules;
}

/** The daily bars as tasks of the whole service; what was answered is remembered in group g00. */
export class DailyDuties {
  #config: DailyDutiesConfig;
  #duties: DutyStore;
  #meta: MetaStore;

  constructor(config: DailyDutiesConfig, duties: DutyStore, meta: MetaStore) {
    this.#config = config;
    this.#duties = duties;
    this.#meta = meta;
  }

  /** The tasks that a cron tick makes due. */
  plan(tickMs: EpochMs): PlannedTask[] {
    const { fetches, memory } = planDaily({
      calendar: this.#config.rules().calendar,
      sessionsBack: this.#sessionsBack(),
      nowMs: tickMs,
      isCatchingUp: this.#duties.hasAny(CATCH_UP),
      memory: this.#memory(),
    });
    this.#remember(memory);
    return fetches.map(({ what, dates, dueMs }) => {
      const duty = taskDuty("daily_bars", what);
      return { task: { v: 1, type: "daily_bars", duty, dates: [...dates] }, dueMs, once: false };
    });
  }

  /** Notes which dates a task was answered for; answers what is left of the task. */
  ended(task: TaskOf<"daily_bars">, outcome: TaskOutcome): TaskOf<"daily_bars"> {
    const answered = new Set(outcome.answered_dates);
    if (answered.size === 0) return task;
    this.#remember(withAnswered(this.#memory(), [...answered], this.#sessionsBack()));
    return { ...task, dates: task.dates.filter((date) => !answered.has(date)) };
  }

  /** The universe was read again: dates that were asked for without symbols are asked for once more. */
  universeRead(): void {
    this.#remember(withNewRound(this.#memory()));
  }

  /** How many closed sessions are to be known. */
  #sessionsBack(): number {
    return this.#config.rules().coldStartSessions["1d"];
  }

  #memory(): DailyMemory {
    const stored = this.#meta.get(MEMORY_KEY);
    return stored === null ? NO_DAILY_MEMORY : memorySchema.parse(JSON.parse(stored));
  }

  #remember(memory: DailyMemory): void {
    const text = JSON.stringify(memory);
    if (text !== this.#meta.get(MEMORY_KEY)) this.#meta.set(MEMORY_KEY, text);
  }
}
