import { groupName } from "../domain/symbol.ts";
import { floorToMinute } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { errorText, log } from "../platform/log.ts";

/** Name of the pin that holds the number of symbol groups. */
export const GROUPS_PIN = "symbol_groups";

/**
 * A cron tick: every group plans the minute. Also the watchdog: it wakes each object that holds work.
 * A group that fails is told of and hinders no other; the next tick plans again from its own state.
 */
export async function planAllGroups(
  scheduledMs: number,
  settings: Settings,
  env: Env,
): Promise<void> {
  const pin = await env.CONFIG_STORE.getByName("config").pin(
    GROUPS_PIN,
    String(settings.symbolGroups),
  );
  if (!pin.ok) {
    throw new Error(
      `SYMBOL_GROUPS is pinned to ${pin.pinned}: symbols have been placed by it and it cannot change`,
    );
  }
  const tickMs = floorToMinute(scheduledMs);
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) => groupName(group));
  const results = await Promise.allSettled(
    groups.map((name) => env.SYMBOL_GROUP.getByName(name, { locationHint: "enam" }).plan(tickMs)),
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
