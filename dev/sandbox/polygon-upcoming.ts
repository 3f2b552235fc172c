import { newYorkDayNumber } from "../../src/domain/new-york-time.ts";
import { toIso } from "../../src/domain/time.ts";
import {
  civilDateOf,
  formatTradingDate,
  LAST_CALENDAR_YEAR,
  parseTradingDate,
} from "../../src/domain/trading-date.ts";
import type { MarketSource } from "./market-source.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** How far the list reaches: the recorded one has the holidays of some seven months. */
const DAYS_AHEAD = 210;

const EXCHANGES = ["NYSE", "NASDAQ"];

/** What is particular about a day; undefined for a week-end and a full session. */
function holidayOn(day: number, source: MarketSource): object | undefined {
  const { weekday } = civilDateOf(day);
  if (weekday === 0 || weekday === 6) return undefined;
  const date = formatTradingDate(day);
  const session = source.calendar.session(date);
  if (session === undefined) return { name: "Holiday", date, status: "closed" };
  if (!session.earlyClose) return undefined;
  const { openMs, closeMs } = session;
  const hours = { open: toIso(openMs), close: toIso(closeMs) };
  return { name: "Holiday", date, status: "early-close", ...hours };
}

/** `/v1/marketstatus/upcoming`: holidays and early closes from today on, a row for each exchange. */
export function answerUpcoming(source: MarketSource, requestId: string): Reply {
  const today = newYorkDayNumber(source.now());
  const last = Math.min(today + DAYS_AHEAD, parseTradingDate(`${LAST_CALENDAR_YEAR}-12-31`));
  const rows: object[] = [];
  for (let day = today; day <= last; day += 1) {
    const holiday = holidayOn(day, source);
    if (holiday !== undefined) {
      for (const exchange of EXCHANGES) rows.push({ exchange, ...holiday });
    }
  }
  return jsonReply(200, JSON.stringify(rows), { "x-request-id": requestId });
}
