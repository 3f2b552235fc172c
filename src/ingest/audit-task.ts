import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import { calendarOf, type Settings } from "../env.ts";
import { log } from "../platform/log.ts";
import { auditGroups, summarize } from "./audit-groups.ts";

/** The task `audit`: groups that could not be audited are left for the next try. */
export async function runAudit(
  { date, groups }: TaskOf<"audit">,
  settings: Settings,
  env: Env,
): Promise<TaskOutcome> {
  const base = { calls: [], selected: [], failures: [] };
  const session = calendarOf(settings).session(date);
  // An override may have closed the date since it was planned.
  if (session === undefined) return { ...base, done: true };
  const audits = await auditGroups({ groups, session, repair: true }, settings, env);
  const audit = summarize(date, audits);
  const { audited, left, differences, repaired } = audit;
  log("info", "a session was audited", {
    date,
    audited,
    left: left.length,
    repaired,
    ...differences,
  });
  return { ...base, done: left.length === 0, audit };
}
