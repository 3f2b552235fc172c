import type { Calendar } from "./calendar.ts";
import type { EpochMs } from "./time.ts";

/** Places `[from, to)` in a list. */
export interface PlaceRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The places that sample `number` looks at, in a list of `population`: `size` of them, going round, so
 * that any `ceil(population / size)` samples in a row look at every place.
 */
export function samplePlaces(population: number, size: number, number: number): PlaceRange[] {
  if (population <= size) return population === 0 ? [] : [{ from: 0, to: population }];
  const from = (number * size) % population;
  const to = from + size;
  return to <= population
    ? [{ from, to }]
    : [
        { from, to: population },
        { from: 0, to: to - population },
      ];
}

/** When samples are taken: every `everyMs`, until the last minute of a session has been due for one. */
export interface SampleSchedule {
  readonly calendar: Calendar;
  readonly everyMs: number;
  /** From the END of a minute until it is due, ms. */
  readonly graceMs: number;
}

/** Whether samples are taken at this time by the schedule. */
export function isSampled({ calendar, everyMs, graceMs }: SampleSchedule, ms: EpochMs): boolean {
  return ms < calendar.previousSession(ms).closeMs + graceMs + everyMs;
}

/**
 * When the sample after the one at `lastMs` is due; null: there was none yet. Whole multiples of the
 * cadence, so that a restart keeps their rhythm; one that was missed is due at once, and only once.
 */
export function nextSampleMs(
  schedule: SampleSchedule,
  lastMs: EpochMs | null,
  nowMs: EpochMs,
): EpochMs {
  const { calendar, everyMs } = schedule;
  const nextMs = lastMs === null ? nowMs : (Math.floor(lastMs / everyMs) + 1) * everyMs;
  return isSampled(schedule, nextMs) ? nextMs : calendar.nextSession(nextMs).openMs;
}
