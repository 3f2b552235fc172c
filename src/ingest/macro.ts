import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { computeMacro } from "./compute-macro.ts";

/** A date reads half a million daily bars in Postgres; nobody waits for it. */
const FETCH_TIMEOUT_MS = 60_000;

/** The task `macro`, with the world that it acts on. */
export async function runMacro(
  { date }: TaskOf<"macro">,
  settings: Settings,
): Promise<TaskOutcome> {
  const sql = sqlClientOf(settings, FETCH_TIMEOUT_MS);
  const calendar = calendarOf(settings);
  const done = await computeMacro(date, { sql, calendar, market: marketClock });
  return { calls: [], selected: [], failures: [], done };
}
