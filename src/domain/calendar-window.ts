import type { Calendar, TradingSession } from "./calendar.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./time.ts";
import type { EpochMs, TimeRange } from "./time.ts";

/** Days to either side of the middle one: beliefs, overlap and the settle pass reach back two weeks. */
export const WINDOW_DAYS_EACH_SIDE = 21;

const DAYS = 2 * WINDOW_DAYS_EACH_SIDE + 1;
const BITS_PER_WORD = 32;

/**
 * When a day of the window begins, after midnight UTC: no session crosses that instant, in standard
 * time (04:00 to 20:00 New York is 09:00 to 01:00 UTC) or daylight time (08:00 to 24:00 UTC).
 */
const DAY_BEGINS_MS = 5 * HOUR_MS;

/** The beginning of the day of the window's grid that holds an instant. */
function dayStartMs(ms: EpochMs): EpochMs {
  return Math.floor((ms - DAY_BEGINS_MS) / DAY_MS) * DAY_MS + DAY_BEGINS_MS;
}

/**
 * Three weeks of a calendar to either side of a day, worked out beforehand: one session a day and one
 * bit a minute, 8 KB. It says what the calendar says, for instants of `[startMs, endMs)` only.
 */
export class CalendarWindow implements TimeRange {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  #sessions: readonly (TradingSession | undefined)[];
  /** Bit n is set when a bar is expected for the n-th minute. */
  #expected = new Uint32Array((DAYS * DAY_MS) / MINUTE_MS / BITS_PER_WORD);

  /** Throws a RangeError when the window reaches outside the calendar years. */
  constructor(calendar: Calendar, centreMs: EpochMs) {
    this.startMs = dayStartMs(centreMs) - WINDOW_DAYS_EACH_SIDE * DAY_MS;
    this.endMs = this.startMs + DAYS * DAY_MS;
    const sessions = Array.from<TradingSession | undefined>({ length: DAYS });
    for (const session of calendar.sessionsBetween(this.startMs, this.endMs)) {
      sessions[this.#dayOf(session.openMs)] = session;
      for (let ts = session.openMs; ts < session.closeMs; ts += MINUTE_MS) this.#expect(ts);
    }
    this.#sessions = sessions;
  }

  /** Whether the window knows an instant. */
  holds(ms: EpochMs): boolean {
    return ms >= this.startMs && ms < this.endMs;
  }

  /** As `Calendar.sessionContaining`. */
  sessionContaining(ms: EpochMs): TradingSession | undefined {
    const session = this.#sessions[this.#dayOf(ms)];
    if (session === undefined) return undefined;
    return ms >= session.preOpenMs && ms < session.postCloseMs ? session : undefined;
  }

  /** As `Calendar.isExpectedMinute`. */
  isExpectedMinute(ms: EpochMs): boolean {
    const minute = this.#minuteOf(ms);
    return (((this.#expected[minute >>> 5] ?? 0) >>> (minute & 31)) & 1) === 1;
  }

  #expect(ts: EpochMs): void {
    const minute = this.#minuteOf(ts);
    const word = minute >>> 5;
    this.#expected[word] = (this.#expected[word] ?? 0) | (1 << (minute & 31));
  }

  #dayOf(ms: EpochMs): number {
    return Math.trunc((ms - this.startMs) / DAY_MS);
  }

  #minuteOf(ms: EpochMs): number {
    return Math.trunc((ms - this.startMs) / MINUTE_MS);
  }
}
