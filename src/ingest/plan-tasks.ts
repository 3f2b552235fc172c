import type { EpochMs } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import type { PlannedTask } from "../symbol-group/service-duties.ts";

/** The tasks of the whole service that a cron tick makes due. Pure: each kind has its own planner. */
export function planTasks(_tickMs: EpochMs, _settings: Settings): PlannedTask[] {
  return [];
}
