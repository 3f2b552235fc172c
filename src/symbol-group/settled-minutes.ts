import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import { HOUR_MS, MINUTE_MS } from "../domain/time.ts";

/** Older minutes are history or repairs: how long they took says nothing of the polls. */
const MAX_AGE_MS = HOUR_MS;

/**
 * The STARTs of the expected minutes that a watermark passed on its way from `beforeMs` to `afterMs` and
 * that ended within the last hour: nothing of them is pending any more.
 */
export function settledMinutes(
  calendar: Calendar,
  beforeMs: EpochMs,
  afterMs: EpochMs,
  nowMs: EpochMs,
): EpochMs[] {
  const settled: EpochMs[] = [];
  const fromMs = Math.max(beforeMs, nowMs - MAX_AGE_MS - MINUTE_MS);
  for (let ts = Math.ceil(fromMs / MINUTE_MS) * MINUTE_MS; ts < afterMs; ts += MINUTE_MS)
    if (calendar.isExpectedMinute(ts)) settled.push(ts);
  return settled;
}
