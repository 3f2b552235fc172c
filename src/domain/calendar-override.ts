import { REGULAR_CLOSE_MINUTE } from "./early-closes.ts";
import { closureReason } from "./holidays.ts";
import type { TradingDate } from "./trading-date.ts";
import { parseTradingDate } from "./trading-date.ts";

/**
 * From config: a closure or a close that the rules do not know. `close` is a New York wall time
 * `HH:MM` after 09:30 and up to 16:00; 16:00 undoes an early close of the rules.
 */
export type CalendarOverride =
  | { readonly date: TradingDate; readonly closed: true }
  | { readonly date: TradingDate; readonly close: string };

/** What is wrong with one override; `index` is its place in the list. */
export interface OverrideFault {
  readonly index: number;
  readonly message: string;
}

/** The regular session opens at 09:30, in minutes of the New York day. */
export const OPEN_MINUTE = 9 * 60 + 30;

/** Unplanned closures are one in some years; a replay of a few dates closes all sessions between them. */
export const MAX_CALENDAR_OVERRIDES = 1_000;

const WALL_TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Minutes of the day of `HH:MM`; undefined when the text is no wall time. */
function wallTimeMinute(text: string): number | undefined {
  const match = WALL_TIME.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

function closeFault(close: string): string | undefined {
  const minute = wallTimeMinute(close);
  if (minute === undefined) return `close "${close.slice(0, 40)}" is not a time HH:MM`;
  if (minute > OPEN_MINUTE && minute <= REGULAR_CLOSE_MINUTE) return undefined;
  return `close ${close} is not after 09:30 and up to 16:00`;
}

function overrideFault(override: CalendarOverride, seen: Set<TradingDate>): string | undefined {
  let dayNumber: number;
  try {
    dayNumber = parseTradingDate(override.date);
  } catch (error) {
    return error instanceof RangeError ? error.message : "malformed date";
  }
  if (seen.has(override.date)) return `${override.date} is given twice`;
  seen.add(override.date);
  const reason = closureReason(dayNumber);
  if (reason !== undefined) return `${override.date} is closed already: ${reason}`;
  const fault = "close" in override ? closeFault(override.close) : undefined;
  return fault === undefined ? undefined : `${override.date}: ${fault}`;
}

/** Every fault of a list of overrides, each naming the date; empty when the list can be used. */
export function findOverrideFaults(
  overrides: readonly CalendarOverride[],
): readonly OverrideFault[] {
  if (overrides.length > MAX_CALENDAR_OVERRIDES) {
    const message = `${overrides.length} overrides, at most ${MAX_CALENDAR_OVERRIDES} are taken`;
    return [{ index: MAX_CALENDAR_OVERRIDES, message }];
  }
  const seen = new Set<TradingDate>();
  return overrides.flatMap((override, index) => {
    const message = overrideFault(override, seen);
    return message === undefined ? [] : [{ index, message }];
  });
}

/** What an override does to its day: the minute it closes at, or closed all day. */
export type DayOverride = { readonly closeMinute: number } | "closed";

/**
 * The overrides by day number. Throws a RangeError with all faults when `findOverrideFaults` has
 * any: a calendar is never built from half a list.
 */
export function indexOverrides(
  overrides: readonly CalendarOverride[],
): ReadonlyMap<number, DayOverride> {
  const faults = findOverrideFaults(overrides);
  if (faults.length > 0) {
    throw new RangeError(`calendar overrides: ${faults.map((fault) => fault.message).join("; ")}`);
  }
  const byDay = new Map<number, DayOverride>();
  for (const override of overrides) {
    const closeMinute = "close" in override ? wallTimeMinute(override.close) : undefined;
    const effect = closeMinute === undefined ? "closed" : { closeMinute };
    byDay.set(parseTradingDate(override.date), effect);
  }
  return byDay;
}
