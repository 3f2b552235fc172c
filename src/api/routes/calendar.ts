import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { expectedMinutes, type TradingSession } from "../../domain/calendar.ts";
import { CLAIM_DAYS_AHEAD } from "../../domain/calendar-claim.ts";
import { closureReason } from "../../domain/holidays.ts";
import { newYorkDayNumber } from "../../domain/new-york-time.ts";
import { PROVIDER_IDS } from "../../domain/provider-id.ts";
import { toIso } from "../../domain/time.ts";
import {
  civilDateOf,
  formatTradingDate,
  LAST_CALENDAR_YEAR,
  parseTradingDate,
  type TradingDate,
} from "../../domain/trading-date.ts";
import { calendarOf, type Settings } from "../../env.ts";
import { marketClock } from "../../platform/clocks.ts";
import type { ApiEnv } from "../api-env.ts";
import { checkedCalendar, checkView, differenceView } from "../calendar-view.ts";
import { registerRead } from "../parameters.ts";
import { dateParam } from "../query-values.ts";
import { invalidParameters } from "../parse-query.ts";
import { answerRows, formatOf } from "../rows-answer.ts";

/** Days that one read may ask for: three years, about 760 sessions of 250 bytes. */
const MAX_DAYS = 1_100;

const sessionSchema = z.object({
  date: z.iso.date(),
  open: z.iso.datetime(),
  close: z.iso.datetime(),
  early_close: z.boolean(),
  pre_open: z.iso.datetime(),
  post_close: z.iso.datetime(),
  expected_minutes: z.number().int(),
  overridden: z.boolean(),
});
const hoursSchema = z.object({ open: z.string(), close: z.string() }).nullable();
const answerSchema = z.object({
  start: z.iso.date(),
  end: z.iso.date(),
  sessions: z.array(sessionSchema),
  closures: z.array(z.object({ date: z.iso.date(), reason: z.string(), overridden: z.boolean() })),
  check: z
    .object({
      provider: z.enum(PROVIDER_IDS),
      at: z.iso.datetime(),
      from: z.iso.date(),
      through: z.iso.date(),
    })
    .nullable(),
  differences: z.array(
    z.object({
      provider: z.enum(PROVIDER_IDS),
      date: z.iso.date(),
      theirs: hoursSchema,
      ours: hoursSchema,
      text: z.string(),
    }),
  ),
});

/**
 * `GET /v1/calendar`: the sessions from `start` to `end`, both New York dates and both included (default:
 * today, and 60 days from `start`), and the weekdays between them that have none. `overridden` says that
 * the configuration made the day so. `differences` are those of all dates ahead, whatever range was
 * asked for; without a `check` nothing is known of them.
 */
export function registerCalendar(app: OpenAPIHono<ApiEnv>): void {
  registerRead(
    app,
    {
      path: "/v1/calendar",
      summary: "Trading sessions by date, and where a provider's calendar differs from ours",
      query: z.object({ start: dateParam.optional(), end: dateParam.optional() }),
      answer: answerSchema,
      row: sessionSchema,
    },
    async (context, query) => {
      const format = formatOf(context);
      if (format instanceof Response) return format;
      const { settings } = context.var;
      const firstDay = dayOf(query.start) ?? newYorkDayNumber(marketClock.now());
      const lastDay = dayOf(query.end) ?? defaultEnd(firstDay);
      const fault = rangeFault(firstDay, lastDay);
      if (fault !== null) return invalidParameters(context, [{ field: "end", message: fault }]);
      // The sessions do not depend on the check: without group g00 only `check` is missing.
      const checked = await checkedCalendar(settings, context.env).catch(() => null);
      const { sessions, closures } = daysOf(firstDay, lastDay, settings);
      return await answerRows(context, format, {
        name: "sessions",
        columns: Object.keys(sessionSchema.shape),
        rows: sessions,
        facts: { start: formatTradingDate(firstDay), end: formatTradingDate(lastDay) },
        beside: {
          closures,
          check: checked === null ? null : checkView(checked),
          differences: checked === null ? [] : checked.differences.map(differenceView),
        },
        sources: [],
        isPinned: false,
      });
    },
  );
}

function dayOf(date: TradingDate | undefined): number | undefined {
  return date === undefined ? undefined : parseTradingDate(date);
}

function defaultEnd(firstDay: number): number {
  return Math.min(firstDay + CLAIM_DAYS_AHEAD, parseTradingDate(`${LAST_CALENDAR_YEAR}-12-31`));
}

function rangeFault(firstDay: number, lastDay: number): string | null {
  if (lastDay < firstDay) return "end is before start";
  return lastDay - firstDay >= MAX_DAYS ? `at most ${MAX_DAYS} days` : null;
}

/** Sessions and closures of a range of days. */
function daysOf(firstDay: number, lastDay: number, settings: Settings) {
  const calendar = calendarOf(settings);
  const overrides = new Set(settings.config.calendar_overrides.map(({ date }) => date));
  const sessions: z.infer<typeof sessionSchema>[] = [];
  const closures: z.infer<typeof answerSchema>["closures"] = [];
  for (let day = firstDay; day <= lastDay; day += 1) {
    const date = formatTradingDate(day);
    const session = calendar.session(date);
    const overridden = overrides.has(date);
    if (session !== undefined) sessions.push({ ...toView(session), overridden });
    else if (!isWeekend(day)) {
      closures.push({ date, reason: closureReason(day) ?? "closed by override", overridden });
    }
  }
  return { sessions, closures };
}

function toView(session: TradingSession) {
  return {
    date: session.date,
    open: toIso(session.openMs),
    close: toIso(session.closeMs),
    early_close: session.earlyClose,
    pre_open: toIso(session.preOpenMs),
    post_close: toIso(session.postCloseMs),
    expected_minutes: expectedMinutes(session),
  };
}

function isWeekend(day: number): boolean {
  const { weekday } = civilDateOf(day);
  return weekday === 0 || weekday === 6;
}
