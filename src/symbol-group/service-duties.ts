import { z } from "zod";
import { type Task, type TaskOutcome, taskSchema } from "../contracts/tasks.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import type { MetaStore } from "../platform/meta-store.ts";

/** The group whose object plans what concerns all groups. */
export const SERVICE_GROUP = 0;
/** A task that has not ended after this long is given up for lost and tried again. */
export const TASK_PATIENCE_MS = 10 * MINUTE_MS;

/** A task that is not done is tried again so often, this far apart. */
const TASK_TRIES = 12;
const TASK_RETRY_MS = 5 * MINUTE_MS;
/** One that came forward goes on sooner: it waits for credits. */
const TASK_RESUME_MS = MINUTE_MS;
const PREFIX = "task:";
/** Names of planned tasks that are remembered, of each type: more than its planner ever offers at once. */
const MAX_REMEMBERED = 64;
const TASK_TYPES = taskSchema.options.map(({ shape }) => shape.type.value);

const namesSchema = z.array(z.string());
const bodySchema = z.object({ task: taskSchema, tries: z.number().default(0) });

/**
 * A task of the whole service and when it is due. `task.duty` names it: a name is planned once, also
 * when the task has ended since; what comes `once` has a name of its own each time anyway.
 */
export interface PlannedTask {
  readonly task: Task;
  readonly dueMs: EpochMs;
  /** What comes so often that a failed one is not tried again: the next one asks for the same. */
  readonly once: boolean;
}

/** What the duties are told of the tasks. */
export interface ServiceDutiesDeps {
  /** The tasks that a cron tick makes due. */
  readonly planTasks: (tickMs: EpochMs) => readonly PlannedTask[];
  /** A task has ended: answers what is left of it, the same task when it came no further. */
  readonly restOf: (task: Task, outcome: TaskOutcome) => Task;
}

/** The cross-group duties: planned by the cron tick in group g00, started when due. */
export class ServiceDuties {
  #duties: DutyStore;
  #meta: MetaStore;
  #deps: ServiceDutiesDeps;

  constructor(duties: DutyStore, meta: MetaStore, deps: ServiceDutiesDeps) {
    this.#duties = duties;
    this.#meta = meta;
    this.#deps = deps;
  }

  /** Writes the tasks that a cron tick makes due. */
  plan(tickMs: EpochMs): void {
    for (const planned of this.#deps.planTasks(tickMs)) {
      if (planned.once || this.#isNew(planned.task)) writeTask(this.#duties, planned);
    }
  }

  /** Whether a task of this name was never planned; it is remembered as planned. */
  #isNew({ type, duty }: Task): boolean {
    const key = `planned:${type}`;
    const names = namesSchema.parse(JSON.parse(this.#meta.get(key) ?? "[]"));
    if (names.includes(duty)) return false;
    this.#meta.set(key, JSON.stringify([...names, duty].slice(-MAX_REMEMBERED)));
    return true;
  }

  /** Reads the symbol lists when due, unless one asked for so is under way; answers the task's name. */
  refreshUniverse(dueMs: EpochMs): string {
    const duty = taskDuty("universe", "asked");
    const task = { v: 1, type: "universe", duty, scope: "lists" } as const;
    writeTask(this.#duties, { task, dueMs, once: false });
    return duty;
  }

  /**
   * A task has ended, or was given up for lost; one that is not done comes again. Daily bars that have
   * come may place the tiers of a universe that has none.
   */
  end(name: string, outcome: TaskOutcome, nowMs: EpochMs): void {
    const duty = this.#duties.find(name);
    this.#duties.finish(name);
    if (duty === null) return;
    const body = bodySchema.parse(duty.body);
    const rest = this.#deps.restOf(body.task, outcome);
    const { done } = outcome;
    if (done && body.task.type === "daily_bars") writeTask(this.#duties, tiersTask(nowMs));
    if (done) return;
    const cameForward = rest !== body.task;
    const tries = cameForward ? 0 : body.tries + 1;
    if (tries >= TASK_TRIES) return;
    const waitMs = cameForward ? TASK_RESUME_MS : TASK_RETRY_MS;
    this.#duties.plan(name, nowMs + waitMs, { task: rest, tries });
  }
}

function tiersTask(dueMs: EpochMs): PlannedTask {
  const duty = taskDuty("universe", "tiers");
  return { task: { v: 1, type: "universe", duty, scope: "tiers" }, dueMs, once: false };
}

/** Writes a task among the duties, unless one of its name stands there. */
export function writeTask(duties: DutyStore, { task, dueMs, once }: PlannedTask): void {
  duties.plan(task.duty, dueMs, { task, tries: once ? TASK_TRIES : 0 });
}

/** The task that a duty stands for. Throws when the stored row is not one. */
export function taskOf(duty: Duty): Task {
  return bodySchema.parse(duty.body).task;
}

/** The name of a task's duty: its kind, and what tells it from others of the kind. */
export function taskDuty(type: Task["type"], what: string): string {
  return `${PREFIX}${type}:${what}`;
}

/** The kind of a task, by the name of its duty; null when it is none. */
export function taskTypeOf(name: string): Task["type"] | null {
  return TASK_TYPES.find((type) => name.startsWith(taskDuty(type, ""))) ?? null;
}

/** Whether a duty is a task of the whole service, by its name. */
export function isTaskDuty(name: string): boolean {
  return name.startsWith(PREFIX);
}
