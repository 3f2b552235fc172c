/** Instants are milliseconds since the Unix epoch, UTC, unless a name says otherwise. */
export type EpochMs = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A half-open range of instants, `[startMs, endMs)`. */
export interface TimeRange {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** The start of the minute that contains `ms`. */
export function floorToMinute(ms: EpochMs): EpochMs {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

/** RFC 3339 UTC with milliseconds, for example `2026-03-20T13:30:00.000Z`. */
export function toIso(ms: EpochMs): string {
  return new Date(ms).toISOString();
}
