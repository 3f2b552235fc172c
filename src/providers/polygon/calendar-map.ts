import type { CalendarClaim, DayHours } from "../../domain/calendar-claim.ts";
import { newYorkDayMs } from "../../domain/new-york-time.ts";
import { DAY_MS, MINUTE_MS } from "../../domain/time.ts";
import type { TradingDate } from "../../domain/trading-date.ts";
import { formatTradingDate, parseTradingDate } from "../../domain/trading-date.ts";
import type { CalendarRequest } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { PolygonHoliday } from "./schema.ts";

/** The exchange whose calendar ours is; Nasdaq's rows repeat it, OTC's differ. */
const EXCHANGE = "NYSE";

/** `open` and `close` are instants, read as minutes of their New York day. */
function hoursOf({ date, status, open, close }: PolygonHoliday): DayHours {
  if (status === "closed") return "closed";
  if (status !== "early-close" || typeof open !== "string" || typeof close !== "string")
    throw new ProviderError("malformed", `${date}: status ${status} without hours`);
  const midnightMs = newYorkDayMs(parseTradingDate(date), 0);
  const [openMinute = 0, closeMinute = 0] = [open, close].map(
    (text) => (Date.parse(text) - midnightMs) / MINUTE_MS,
  );
  if (!(openMinute >= 0 && openMinute < closeMinute && closeMinute <= DAY_MS / MINUTE_MS))
    throw new ProviderError("malformed", `${date} trades from ${open} to ${close}`);
  return { openMinute, closeMinute };
}

/**
 * Holidays as a claim. A weekday that is not named is a full session, but only up to the last date that
 * is: how far the list reaches is not documented. Today may have left it, so it speaks from the day
 * after `from` on. Throws `malformed` for an unknown status, or when a date comes twice.
 */
export function toCalendarClaim(
  rows: readonly PolygonHoliday[],
  { from, through }: CalendarRequest,
): CalendarClaim {
  const first = formatTradingDate(parseTradingDate(from) + 1);
  const listed = rows.filter(({ exchange }) => exchange === EXCHANGE);
  const last = listed.reduce((date, row) => (row.date > date ? row.date : date), from);
  const hours = new Map<TradingDate, DayHours>();
  for (const row of listed) {
    if (row.date < first || row.date > through) continue;
    if (hours.has(row.date)) throw new ProviderError("malformed", `${row.date} comes twice`);
    hours.set(row.date, hoursOf(row));
  }
  const days = [...hours].map(([date, said]) => ({ date, hours: said }));
  const end = last < through ? last : through;
  return { provider: "polygon", from: first, through: end, days, unnamed: "full" };
}
