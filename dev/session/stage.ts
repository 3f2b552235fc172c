import type { CalendarOverride } from "../../src/domain/calendar-override.ts";
import { type Calendar, createCalendar, type TradingSession } from "../../src/domain/calendar.ts";
import { type EpochMs, MINUTE_MS } from "../../src/domain/time.ts";
import { loadCsvMarket } from "../market/csv-market.ts";
import type { Market } from "../market/market.ts";
import { createPublication, type PublicationSchedule } from "../market/publication.ts";
import { createSyntheticMarket } from "../market/synthetic-market.ts";
import type { SessionOptions } from "./options.ts";
import { overridesForFile, sessionsOfFile } from "./session-calendar.ts";

const SEED = 20_260_320;
const LATE_RATE = 0.02;
const CORRECTED_RATE = 0.01;
/** A synthetic session: an ordinary Friday. */
const SYNTHETIC_DATE = "2026-03-20";

/** What a session is played on: the market, when its bars become known, and the one session of it. */
export interface Stage {
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly overrides: readonly CalendarOverride[];
  readonly calendar: Calendar;
  readonly session: TradingSession;
}

/** Makes the stage that the options ask for. Throws for a file that is not of one trading date. */
export function setTheStage(options: SessionOptions): Stage {
  const { market, overrides, session } = chosen(options);
  const publication = createPublication(market, {
    seed: SEED,
    lateRate: LATE_RATE,
    correctedRate: CORRECTED_RATE,
  });
  return { market, publication, overrides, calendar: createCalendar(overrides), session };
}

/** Market time at the start: the first ticks read the universe before the open. */
export function startOf(session: TradingSession): EpochMs {
  return session.openMs - 2 * MINUTE_MS;
}

function chosen(options: SessionOptions): Pick<Stage, "market" | "overrides" | "session"> {
  if (options.barsFile === null) {
    const session = createCalendar().session(SYNTHETIC_DATE);
    if (session === undefined) throw new Error(`${SYNTHETIC_DATE} is not a session`);
    return {
      market: createSyntheticMarket({ seed: SEED, symbols: options.symbols }),
      overrides: [],
      session,
    };
  }
  const market = loadCsvMarket(options.barsFile);
  const overrides = overridesForFile(market.dates);
  const [session, ...more] = sessionsOfFile(market.dates, overrides);
  if (session === undefined || more.length > 0)
    throw new RangeError("a session is of one trading date; the file has several");
  return { market, overrides, session };
}
