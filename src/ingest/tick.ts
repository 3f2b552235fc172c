import { groupName } from "../domain/symbol.ts";
import { floorToMinute } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { errorText, log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { pinFault } from "./pins.ts";

/**
 * A cron tick: every group plans the minute. Also the watchdog: it wakes each object that holds work.
 * A group that fails is told of and hinders no other; the next tick plans again from its own state.
 */
export async function planAllGroups(
  scheduledMs: number,
  settings: Settings,
  env: Env,
): Promise<void> {
  const fault = await pinFault(settings, env);
  if (fault !== null) throw new Error(fault);
  const tickMs = floorToMinute(scheduledMs);
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) => group);
  const results = await Promise.allSettled(
    groups.map((group) => symbolGroupStub(env, group).plan(tickMs)),
  );
  results.forEach((result, group) => {
    if (result.status === "rejected") {
      log("error", "a group could not plan its minute", {
        group: groupName(group),
        error: errorText(result.reason),
      });
    }
  });
}
