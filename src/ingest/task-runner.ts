import { type Task, type TaskOutcome, taskSchema } from "../contracts/tasks.ts";
import type { Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { runAudit } from "./audit-task.ts";
import { runCalendarCheck } from "./calendar-check.ts";
import { runDailyTask } from "./daily-bars.ts";
import { SERVICE_GROUP } from "../symbol-group/service-duties.ts";
import { runMacro } from "./macro.ts";
import { runOptions } from "./options.ts";
import { runQuotesTask } from "./quotes.ts";
import { runRetention } from "./retention.ts";
import { runSplits } from "./splits.ts";
import { runRound } from "./tick.ts";
import { runUniverse } from "./universe.ts";

/** Runs a task that group g00 started and tells that group how it ended. */
export async function runTask(input: Task, settings: Settings, env: Env): Promise<void> {
  const task = taskSchema.parse(input);
  const ended = await run(task, settings, env);
  const outcome = { ...ended, config_version: settings.configVersion };
  await symbolGroupStub(env, SERVICE_GROUP).taskEnded(task.duty, outcome);
}

/** Each kind of task has a file of its own name. */
async function run(task: Task, settings: Settings, env: Env): Promise<TaskOutcome> {
  switch (task.type) {
    case "rlc":
      await runRound(marketClock.now(), settings, env);
      return { calls: [], selected: [], failures: [], done: true };
    case "universe":
      return await runUniverse(task, settings, env);
    case "daily_bars":
      return await runDailyTask(task, settings, env);
    case "calendar_check":
      return await runCalendarCheck(settings, env);
    case "splits":
      return await runSplits(settings, env);
    case "macro":
      return await runMacro(task, settings);
    case "options":
      return await runOptions(task, settings, env);
    case "audit":
      return await runAudit(task, settings, env);
    case "retention":
      return await runRetention(settings);
    case "quotes":
      return await runQuotesTask(task, settings, env);
  }
}
