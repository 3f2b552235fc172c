import type { EpochMs } from "./time.ts";

const TIME_DIGITS = 9;
const RANDOM_DIGITS = 6;

/**
 * Name of one life of a stream: creation time in base 36, padded to nine digits so that plain text
 * order is age order, then six random characters (`random` yields [0, 1)). Throws a RangeError for a time
 * that nine digits do not hold (after the year 5188).
 */
export function createEpoch(nowMs: EpochMs, random: () => number): string {
  const tail = Array.from({ length: RANDOM_DIGITS }, () =>
    Math.floor(random() * 36).toString(36),
  ).join("");
  const time = nowMs.toString(36).padStart(TIME_DIGITS, "0");
  if (time.length > TIME_DIGITS) throw new RangeError(`no epoch for the time ${nowMs}`);
  return time + tail;
}

/** When an epoch was created, ms; 0 for what is none. */
export function epochTime(epoch: string): EpochMs {
  return EPOCH_PATTERN.test(epoch) ? Number.parseInt(epoch.slice(0, TIME_DIGITS), 36) : 0;
}

/** An epoch as it may arrive from outside. */
export const EPOCH_PATTERN = /^[0-9a-z]{15}$/;
