import { type CalendarOverride, OPEN_MINUTE } from "../../src/domain/calendar-override.ts";
import {
  type Calendar,
  createCalendar,
  type SessionKind,
  type TradingSession,
} from "../../src/domain/calendar.ts";
import { type EpochMs, MINUTE_MS } from "../../src/domain/time.ts";
import { loadCsvMarket } from "../market/csv-market.ts";
import { REGULAR_MINUTES } from "../market/instrument.ts";
import type { Market } from "../market/market.ts";
import { createPublication, type PublicationSchedule } from "../market/publication.ts";
import { createSyntheticMarket } from "../market/synthetic-market.ts";
import { firstTickMs } from "../stack/tick-hours.ts";
import type { SessionOptions } from "./options.ts";
import { overridesForFile, sessionsOfFile } from "./session-calendar.ts";

const SEED = 20_260_320;
const LATE_RATE = 0.02;
const CORRECTED_RATE = 0.01;
/** A synthetic session: an ordinary Friday. */
const SYNTHETIC_DATE = "2026-03-20";

/** What is played: the market, when its bars become known, and its trading sessions in order. */
export interface Stage {
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly overrides: readonly CalendarOverride[];
  readonly calendar: Calendar;
  readonly sessions: readonly TradingSession[];
  /** Sessions before them that the deployment fetches when it starts, in order. */
  readonly before: readonly TradingSession[];
  /** The first and the last of those that are played. */
  readonly first: TradingSession;
  readonly last: TradingSession;
}

/** Makes the stage that the options ask for. Throws for a file with bars of a date without a session. */
export function setTheStage(options: SessionOptions): Stage {
  const { market, overrides, sessions } = chosen(options);
  const [first, last] = [sessions[0], sessions.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("no session is to be played");
  const publication = createPublication(market, {
    seed: SEED,
    lateRate: LATE_RATE,
    correctedRate: CORRECTED_RATE,
  });
  const calendar = createCalendar(overrides);
  const before = sessionsBefore(calendar, first, options.coldStart);
  return { market, publication, overrides, calendar, sessions, before, first, last };
}

/** Market time at the start: the first ticks read the universe before the first fetched minute. */
export function startOf(first: TradingSession, kinds: readonly SessionKind[]): EpochMs {
  return firstTickMs(first, kinds) - MINUTE_MS;
}

function sessionsBefore(
  calendar: Calendar,
  first: TradingSession,
  count: number,
): TradingSession[] {
  const before: TradingSession[] = [];
  let session = first;
  while (before.length < count) {
    session = calendar.previousSession(session.openMs - 1);
    before.unshift(session);
  }
  return before;
}

/** An early close after so many minutes; none when that is not before the close of the rules. */
function overridesOfLength(minutes: number): CalendarOverride[] {
  if (minutes >= REGULAR_MINUTES) return [];
  const closeMinute = OPEN_MINUTE + Math.floor(minutes);
  const [hours, rest] = [Math.floor(closeMinute / 60), closeMinute % 60];
  const close = `${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  return [{ date: SYNTHETIC_DATE, close }];
}

function chosen(options: SessionOptions): Pick<Stage, "market" | "overrides" | "sessions"> {
  if (options.barsFile === null) {
    const overrides = overridesOfLength(options.minutes);
    const session = createCalendar(overrides).session(SYNTHETIC_DATE);
    if (session === undefined) throw new Error(`${SYNTHETIC_DATE} is not a session`);
    return {
      market: createSyntheticMarket({ seed: SEED, symbols: options.symbols }),
      overrides,
      sessions: [session],
    };
  }
  const market = loadCsvMarket(options.barsFile);
  const dates = market.dates.slice(0, options.dates);
  const overrides = overridesForFile(dates);
  return { market, overrides, sessions: sessionsOfFile(dates, overrides) };
}
