import type { EpochMs } from "./time.ts";

const TIME_DIGITS = 9;
const RANDOM_DIGITS = 6;

/**
 * Name of one life of a stream: creation time in base 36, padded to nine digits so that plain text
 * order is age order, then six random characters (`random` yields [0, 1)).
 */
export function createEpoch(nowMs: EpochMs, random: () => number): string {
  const tail = Array.from({ length: RANDOM_DIGITS }, () =>
    Math.floor(random() * 36).toString(36),
  ).join("");
  return nowMs.toString(36).padStart(TIME_DIGITS, "0") + tail;
}

/** An epoch as it may arrive from outside. */
export const EPOCH_PATTERN = /^[0-9a-z]{15}$/;
