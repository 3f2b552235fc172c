import { createCalendar } from "../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { FIRST_CALENDAR_YEAR, LAST_CALENDAR_YEAR } from "../../src/domain/trading-date.ts";

/** Regular hours of one trading date as the synthetic tape needs them. */
export interface SessionMinutes {
  readonly openMs: EpochMs;
  /** Regular minutes: 390, or 210 on an early close. */
  readonly length: number;
  /** Days since the epoch: what the price path counts sessions by. */
  readonly dayNumber: number;
}

/** Sessions are remembered for so many days; a run of some weeks asks the same ones a million times. */
const MAX_REMEMBERED = 4_000;
const calendar = createCalendar();

function computeSession(dayNumber: number): SessionMinutes | undefined {
  const date = toIso(dayNumber * DAY_MS).slice(0, 10);
  const year = Number(date.slice(0, 4));
  // Nothing trades where the calendar has no rules.
  if (!(year >= FIRST_CALENDAR_YEAR && year <= LAST_CALENDAR_YEAR)) return undefined;
  const session = calendar.session(date);
  if (session === undefined) return undefined;
  return {
    openMs: session.openMs,
    length: (session.closeMs - session.openMs) / MINUTE_MS,
    dayNumber,
  };
}

/**
 * A look-up of the regular session on the UTC day of an instant (13:30 to 21:00 UTC at the widest, so
 * a session never spans two). A few nanoseconds for a day asked before; undefined when closed.
 */
export function createSessionLookup(): (ts: EpochMs) => SessionMinutes | undefined {
  const remembered = new Map<number, SessionMinutes | undefined>();
  let lastDay = Number.NaN;
  let lastSession: SessionMinutes | undefined;
  return (ts) => {
    const day = Math.floor(ts / DAY_MS);
    if (day === lastDay) return lastSession;
    if (!remembered.has(day)) {
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(day, computeSession(day));
    }
    lastDay = day;
    lastSession = remembered.get(day);
    return lastSession;
  };
}
