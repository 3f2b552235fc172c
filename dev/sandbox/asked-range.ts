import type { Calendar } from "../../src/domain/calendar.ts";
import type { EpochMs, TimeRange } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { FIRST_CALENDAR_YEAR, LAST_CALENDAR_YEAR } from "../../src/domain/trading-date.ts";
import type { Route } from "./endpoint.ts";
import { parseRfc3339OrDate, parseUnixMsOrDate } from "./instants.ts";

/** The settle pass of a session ends at 07:00 New York of the next one, 2.5 hours before its open. */
const SETTLE_BEFORE_OPEN_MS = 2.5 * HOUR_MS;
/** A part of it that was not answered whole comes again for an hour at most. */
const SETTLE_LASTS_MS = 65 * MINUTE_MS;
const AGGS_RANGE = /\/range\/1\/minute\/([^/]+)\/([^/]+)$/;

/** The minutes that a call for 1-minute bars asks for, both ends inclusive; undefined for any other call. */
export function askedRange({ provider, endpoint }: Route, url: URL): TimeRange | undefined {
  if (endpoint !== "bars_1m") return undefined;
  const query = url.searchParams;
  const [, polygonFrom = "", polygonTo = ""] = AGGS_RANGE.exec(url.pathname) ?? [];
  const [startMs, endMs] = {
    alpaca: [
      parseRfc3339OrDate(query.get("start") ?? "", "start"),
      parseRfc3339OrDate(query.get("end") ?? "", "end"),
    ],
    polygon: [parseUnixMsOrDate(polygonFrom, "start"), parseUnixMsOrDate(polygonTo, "end")],
    finnhub: [seconds(query.get("from")), seconds(query.get("to"))],
  }[provider === "iex" ? "alpaca" : provider];
  if (startMs === undefined || endMs === undefined) return undefined;
  return hasCalendar(startMs) && hasCalendar(endMs) ? { startMs, endMs } : undefined;
}

/** Sessions before and after an instant are known when its year is not at the ends of the calendar. */
function hasCalendar(ms: EpochMs): boolean {
  const year = new Date(ms).getUTCFullYear();
  return year > FIRST_CALENDAR_YEAR && year < LAST_CALENDAR_YEAR;
}

/**
 * Whether a call asks for a minute of a session whose settle pass is over: 65 min after 07:00 New York of
 * the next session, when also its last retry has been. Nobody has a reason to, except an operator.
 */
export function isAskedAfterSettle(asked: TimeRange, nowMs: EpochMs, calendar: Calendar): boolean {
  const session = calendar.previousSession(asked.startMs);
  const first =
    asked.startMs < session.postCloseMs ? session : calendar.nextSession(session.openMs);
  if (first.preOpenMs > asked.endMs) return false;
  const next = calendar.nextSession(first.openMs);
  return nowMs > next.openMs - SETTLE_BEFORE_OPEN_MS + SETTLE_LASTS_MS;
}

function seconds(text: string | null): EpochMs | undefined {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) * SECOND_MS : undefined;
}
