import type { CalendarCheck } from "../contracts/calendar-check.ts";
import type { TaskOutcome } from "../contracts/tasks.ts";
import type { Calendar } from "../domain/calendar.ts";
import {
  calendarDifferences,
  type CalendarClaim,
  CLAIM_DAYS_AHEAD,
  differenceText,
} from "../domain/calendar-claim.ts";
import { newYorkDayNumber } from "../domain/new-york-time.ts";
import type { EpochMs } from "../domain/time.ts";
import { formatTradingDate, LAST_CALENDAR_YEAR } from "../domain/trading-date.ts";
import { calendarOf, type Settings } from "../env.ts";
import { log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import type { CalendarRequest, Provider, ProviderVerbs } from "../providers/provider.ts";
import { configuredProviders } from "../providers/registry.ts";
import { SERVICE_GROUP } from "../symbol-group/service-duties.ts";
import { askInOrder } from "./ask-in-order.ts";
import type { AskDeps } from "./ask-provider.ts";
import { workerDeps } from "./worker-deps.ts";

/** A provider that says which days are traded. */
export type CalendarProvider = Provider & Pick<ProviderVerbs, "fetchCalendar">;

/** In this order: a list of sessions says the hours of each day, one of holidays only what it names. */
const PROVIDER_ORDER = ["alpaca", "polygon"];

/** Who is asked, and where what they say is kept. */
export interface CalendarCheckDeps extends AskDeps {
  /** In the order in which they are asked. */
  readonly providers: readonly CalendarProvider[];
  readonly calendar: Calendar;
  readonly keep: (check: CalendarCheck) => Promise<void>;
}

/** The task `calendar_check`, with the world that it acts on. */
export async function runCalendarCheck(settings: Settings, env: Env): Promise<TaskOutcome> {
  const configured = configuredProviders(settings).filter(hasCalendar);
  return await checkCalendar({
    providers: PROVIDER_ORDER.flatMap((id) => configured.filter((one) => one.id === id)),
    calendar: calendarOf(settings),
    ...workerDeps(settings, env),
    keep: (check) => symbolGroupStub(env, SERVICE_GROUP).calendarChecked(check),
  });
}

/**
 * Asks the first provider that answers for the trading days ahead and keeps what it says. Our calendar
 * stays as it is: a difference is for a person to judge, who sets an override. A calendar tells nothing
 * about how bars are served, so only credits are reported to the breaker.
 */
export async function checkCalendar(deps: CalendarCheckDeps): Promise<TaskOutcome> {
  const nowMs = deps.market.now();
  const request = daysAhead(nowMs);
  const { given, told, mayPass } = await askInOrder(
    deps.providers,
    (provider, providerDeps) => provider.fetchCalendar(request, providerDeps),
    deps,
  );
  const claim = given?.answer.claim ?? null;
  if (claim === null) return { ...told, done: !mayPass };
  await deps.keep({ v: 1, checkedAtMs: nowMs, claim });
  tell(claim, request, deps.calendar);
  return { ...told, done: true };
}

function hasCalendar(provider: Provider): provider is CalendarProvider {
  return provider.fetchCalendar !== undefined;
}

/** From today on, as far as a provider is asked and our own calendar knows. */
function daysAhead(nowMs: EpochMs): CalendarRequest {
  const today = newYorkDayNumber(nowMs);
  const through = formatTradingDate(today + CLAIM_DAYS_AHEAD);
  const last = `${LAST_CALENDAR_YEAR}-12-31`;
  return { from: formatTradingDate(today), through: through < last ? through : last };
}

function tell(claim: CalendarClaim, { from }: CalendarRequest, calendar: Calendar): void {
  const differences = calendarDifferences(claim, calendar, from).map(differenceText);
  const { provider, through } = claim;
  if (differences.length === 0) log("info", "the calendar was checked", { provider, through });
  else
    log("warn", "a provider's calendar differs from ours", {
      provider,
      through,
      differences: differences.join("; "),
    });
}
