import { callJson } from "../call-json.ts";
import type { CalendarAnswer, CalendarRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { toCalendarClaim } from "./calendar-map.ts";
import { alpacaError } from "./errors.ts";
import { type AlpacaHost, keyHeaders, urlOn } from "./host.ts";
import { alpacaCalendarSchema } from "./schema.ts";

/** The trading days of a range, one call without pages. `host` is the TRADING host. */
export async function fetchCalendar(
  host: AlpacaHost,
  request: CalendarRequest,
  deps: ProviderDeps,
): Promise<CalendarAnswer> {
  const calls: ProviderCall[] = [];
  // Without both ends it answers decades.
  const query = new URLSearchParams({ start: request.from, end: request.through });
  try {
    const days = await callJson(
      {
        provider: "alpaca",
        endpoint: "calendar",
        url: urlOn(host, "/v2/calendar", query),
        headers: keyHeaders(host),
        schema: alpacaCalendarSchema,
        check: (answered) => void toCalendarClaim(answered, request),
        toError: alpacaError,
      },
      deps,
      calls,
    );
    return { claim: toCalendarClaim(days, request), calls, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { claim: null, calls, failure: error };
  }
}
