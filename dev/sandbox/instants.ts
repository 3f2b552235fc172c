import { newYorkMs } from "../../src/domain/new-york-time.ts";
import type { EpochMs } from "../../src/domain/time.ts";

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const UNIX_MS = /^\d{1,14}$/;
const MINUTES_PER_DAY = 1_440;

/** Which end of a range a text names: a date means its first or its last instant. Both inclusive. */
export type RangeEnd = "start" | "end";

function parseDate(text: string, rangeEnd: RangeEnd): EpochMs | undefined {
  try {
    return rangeEnd === "start" ? newYorkMs(text, 0) : newYorkMs(text, MINUTES_PER_DAY) - 1;
  } catch (error) {
    // No such day, or none that the calendar knows: the caller's mistake, answered as such.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Alpaca's instants: RFC 3339 or a New York date. Undefined when it is neither. */
export function parseRfc3339OrDate(text: string, rangeEnd: RangeEnd): EpochMs | undefined {
  if (DATE.test(text)) return parseDate(text, rangeEnd);
  const ms = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Polygon's instants: Unix milliseconds or a New York date. Undefined when it is neither. */
export function parseUnixMsOrDate(text: string, rangeEnd: RangeEnd): EpochMs | undefined {
  if (DATE.test(text)) return parseDate(text, rangeEnd);
  return UNIX_MS.test(text) ? Number(text) : undefined;
}
