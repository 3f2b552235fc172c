import { callJson } from "../call-json.ts";
import type { CalendarAnswer, CalendarRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { toCalendarClaim } from "./calendar-map.ts";
import { polygonError } from "./errors.ts";
import { baseOf, type PolygonHost } from "./host.ts";
import { polygonUpcomingSchema } from "./schema.ts";

/** The holidays and early closes ahead, one call without pages or parameters. */
export async function fetchCalendar(
  host: PolygonHost,
  request: CalendarRequest,
  deps: ProviderDeps,
): Promise<CalendarAnswer> {
  const calls: ProviderCall[] = [];
  try {
    const rows = await callJson(
      {
        provider: "polygon",
        endpoint: "calendar",
        url: `${baseOf(host)}/v1/marketstatus/upcoming`,
        headers: { authorization: `Bearer ${host.apiKey}` },
        schema: polygonUpcomingSchema,
        check: (answered) => void toCalendarClaim(answered, request),
        toError: polygonError,
      },
      deps,
      calls,
    );
    return { claim: toCalendarClaim(rows, request), calls, failure: null };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { claim: null, calls, failure: error };
  }
}
