import { z } from "zod";
import { type Task, taskSchema } from "../contracts/tasks.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";

/** The group whose object plans what concerns all groups. */
export const SERVICE_GROUP = 0;
/** A task that has not ended after this long is given up for lost and tried again. */
export const TASK_PATIENCE_MS = 10 * MINUTE_MS;

/** A task that is not done is tried again so often, this far apart. */
const TASK_TRIES = 12;
const TASK_RETRY_MS = 5 * MINUTE_MS;
const PREFIX = "task:";

const bodySchema = z.object({ task: taskSchema, tries: z.number().default(0) });

/** A task of the whole service and when it is due. `task.duty` names it: planned twice it runs once. */
export interface PlannedTask {
  readonly task: Task;
  readonly dueMs: EpochMs;
  /** What comes so often that a failed one is not tried again: the next one asks for the same. */
  readonly once: boolean;
}

/** The cross-group duties: planned by the cron tick in group g00, started when due. */
export class ServiceDuties {
  #duties: DutyStore;
  #planTasks: (tickMs: EpochMs) => readonly PlannedTask[];

  constructor(duties: DutyStore, planTasks: (tickMs: EpochMs) => readonly PlannedTask[]) {
    this.#duties = duties;
    this.#planTasks = planTasks;
  }

  /** Writes the tasks that a cron tick makes due. */
  plan(tickMs: EpochMs): void {
    for (const planned of this.#planTasks(tickMs)) this.write(planned);
  }

  write({ task, dueMs, once }: PlannedTask): void {
    this.#duties.plan(task.duty, dueMs, { task, tries: once ? TASK_TRIES : 0 });
  }

  /** A task has ended, or was given up for lost; one that is not done comes again. */
  end(name: string, done: boolean, nowMs: EpochMs): void {
    const duty = done ? null : this.#duties.find(name);
    this.#duties.finish(name);
    if (duty === null) return;
    const body = bodySchema.parse(duty.body);
    if (body.tries + 1 >= TASK_TRIES) return;
    this.#duties.plan(name, nowMs + TASK_RETRY_MS, { ...body, tries: body.tries + 1 });
  }
}

/** The task that a duty stands for. Throws when the stored row is not one. */
export function taskOf(duty: Duty): Task {
  return bodySchema.parse(duty.body).task;
}

/** The name of a task's duty: its kind, and what tells it from others of the kind. */
export function taskDuty(type: Task["type"], what: string): string {
  return `${PREFIX}${type}:${what}`;
}

/** Whether a duty is a task of the whole service, by its name. */
export function isTaskDuty(name: string): boolean {
  return name.startsWith(PREFIX);
}
