import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import { calendarOf, type Settings } from "../env.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { configuredProviders } from "../providers/registry.ts";
import { hasOptions, readOptionsFrom } from "./read-options.ts";
import { workerDeps } from "./worker-deps.ts";

/** The task `options`, with the world that it acts on. */
export async function runOptions(
  task: TaskOf<"options">,
  settings: Settings,
  env: Env,
): Promise<TaskOutcome> {
  return await readOptionsFrom(task, {
    providers: configuredProviders(settings).filter(hasOptions),
    sql: sqlClientOf(settings),
    calendar: calendarOf(settings),
    ...workerDeps(settings, env),
  });
}
