import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS } from "../../../src/domain/time.ts";
import { formatTradingDate, parseTradingDate } from "../../../src/domain/trading-date.ts";

const rules = createCalendar();

/** The trading days that Alpaca and Polygon say, by the rules but for what a test scripts. */
export class FakeCalendar {
  /** Closes of Alpaca's days as New York wall times; null: no session. */
  readonly closes = new Map<string, string | null>();
  /** Holidays that Polygon lists. */
  readonly holidays: string[] = [];
  /** Hosts that answer 503. */
  readonly away = new Set<"alpaca" | "polygon">();
  /** Who was asked, in order. */
  readonly asked: string[] = [];

  reset(): void {
    this.closes.clear();
    this.away.clear();
    this.holidays.length = 0;
    this.asked.length = 0;
  }

  /** Null for a call that asks for something else. */
  answer({ pathname, searchParams }: URL): Response | null {
    if (pathname === "/v2/calendar") {
      this.asked.push("alpaca");
      if (this.away.has("alpaca")) return new Response("", { status: 503 });
      return Response.json(this.#days(searchParams.get("start"), searchParams.get("end")));
    }
    if (pathname !== "/v1/marketstatus/upcoming") return null;
    this.asked.push("polygon");
    if (this.away.has("polygon")) return new Response("", { status: 503 });
    const exchange = "NYSE";
    return Response.json(this.holidays.map((date) => ({ exchange, date, status: "closed" })));
  }

  #days(start: string | null, end: string | null) {
    const days: { date: string; open: string; close: string }[] = [];
    const last = parseTradingDate(end ?? "");
    for (let day = parseTradingDate(start ?? ""); day <= last; day += 1) {
      const date = formatTradingDate(day);
      const session = rules.session(date);
      const byRule = session === undefined ? null : session.earlyClose ? "13:00" : "16:00";
      const close = this.closes.has(date) ? this.closes.get(date) : byRule;
      if (typeof close === "string") days.push({ date, open: "09:30", close });
    }
    return days;
  }
}

/** The first date from `days` after an instant on that trades in full by the rules. */
export function fullDayAfter(ms: number, days: number): string {
  const session = rules.nextSession(ms + days * DAY_MS);
  return session.earlyClose ? fullDayAfter(session.closeMs, 0) : session.date;
}
