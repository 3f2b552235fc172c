import type { Calendar } from "./calendar.ts";
import type { EpochMs } from "./time.ts";
import { DAY_MS } from "./time.ts";

/** Beliefs are kept for five sessions: a week of days, and a long week-end. */
const KEPT_MS = 9 * DAY_MS;

/**
 * From where on a group's beliefs about minutes are kept at `nowMs`. What the watermark has not passed
 * is still needed, however old. Whole sessions are kept, so that each is counted from one place; the
 * border never goes back. Null: the group has no watermark.
 */
export function beliefsKeptFrom(
  calendar: Calendar,
  nowMs: EpochMs,
  watermarkMs: EpochMs | null,
): EpochMs {
  const horizonMs = calendar.previousSession(nowMs).openMs - KEPT_MS;
  const neededMs = Math.min(horizonMs, watermarkMs ?? horizonMs);
  const openMs = calendar.sessionContaining(neededMs)?.openMs ?? neededMs;
  return Math.min(neededMs, openMs);
}
