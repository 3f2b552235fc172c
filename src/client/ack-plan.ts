import type { EpochMs } from "../domain/time.ts";

/** An acknowledgement is sent this long after the first flush that it covers … */
const ACK_AFTER_MS = 5_000;
/** … or as soon as so much is not acknowledged yet, for the service counts 256 K as slow … */
const ACK_AFTER_CHARS = 64 * 1_024;
/** … but not in every turn of a burst. */
const MIN_ACK_GAP_MS = 200;

/** What the consumer took and the service does not know of. */
export interface AckPlan {
  readonly sinceMs: EpochMs | null;
  readonly chars: number;
  readonly lastMs: EpochMs;
}

export const NOTHING_TO_ACK: AckPlan = { sinceMs: null, chars: 0, lastMs: 0 };

/** The consumer took something. */
export function tookChars(plan: AckPlan, chars: number, nowMs: EpochMs): AckPlan {
  return { ...plan, sinceMs: plan.sinceMs ?? nowMs, chars: plan.chars + chars };
}

/** When an acknowledgement is due; null when there is nothing to acknowledge. */
export function ackDueMs({ sinceMs, chars, lastMs }: AckPlan): EpochMs | null {
  if (sinceMs === null) return null;
  return chars >= ACK_AFTER_CHARS ? lastMs + MIN_ACK_GAP_MS : sinceMs + ACK_AFTER_MS;
}

/** All that was taken is acknowledged. */
export function acked(nowMs: EpochMs): AckPlan {
  return { sinceMs: null, chars: 0, lastMs: nowMs };
}
