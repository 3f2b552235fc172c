import type { Calendar, TradingSession } from "../domain/calendar.ts";
import { DAY_MS, MINUTE_MS, type EpochMs, type TimeRange } from "../domain/time.ts";
import type { SymbolWindow } from "./no-trade.ts";
import type { PageToken } from "./page-token.ts";

/** The calendar is asked for so many days at a time. */
const SLICE_DAYS = 31;

/**
 * Every (session, symbol) of a read behind the last page, in the order of its pages. Made as they are taken, so
 * that a page costs the same however long the range is.
 */
export function* coverageQuestions(
  symbols: readonly string[],
  range: TimeRange,
  calendar: Pick<Calendar, "sessionsBetween">,
  after: PageToken["after"] | undefined,
): Generator<SymbolWindow, undefined> {
  const sorted = symbols.toSorted();
  const startMs = Math.ceil(range.startMs / MINUTE_MS) * MINUTE_MS;
  const endMs = Math.ceil(range.endMs / MINUTE_MS) * MINUTE_MS;
  const fromMs = Math.max(startMs, after?.ts ?? startMs);
  for (const session of sessionsOf(calendar, fromMs, endMs)) {
    const window = {
      startMs: Math.max(session.openMs, startMs),
      endMs: Math.min(session.closeMs, endMs),
    };
    for (const symbol of sorted) {
      const isBehind = after === undefined || session.openMs > after.ts || symbol > after.symbol;
      if (isBehind) yield { symbol, session, window };
    }
  }
}

function* sessionsOf(
  calendar: Pick<Calendar, "sessionsBetween">,
  startMs: EpochMs,
  endMs: EpochMs,
): Generator<TradingSession, undefined> {
  let fromMs = startMs;
  while (fromMs < endMs) {
    const toMs = Math.min(endMs, fromMs + SLICE_DAYS * DAY_MS);
    const sessions = calendar.sessionsBetween(fromMs, toMs);
    yield* sessions;
    // A session that is cut here has been given.
    fromMs = Math.max(toMs, sessions.at(-1)?.closeMs ?? toMs);
  }
}
