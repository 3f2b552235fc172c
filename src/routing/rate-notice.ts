import type { RateNotice } from "../domain/credits.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../domain/time.ts";
import { retryAfterMs } from "../providers/error-response.ts";
import type { HttpResponse } from "../providers/provider.ts";

/**
 * What a response says of the quota, or null. A 429 says that nothing is left until the reset that it
 * names, or until the end of the minute when it names none (Polygon, whose quota is by the minute) or
 * one that has passed. Any other answer says so by `x-ratelimit-remaining` and `x-ratelimit-reset`
 * (epoch seconds: Alpaca, Finnhub). Header names are lower case.
 */
export function rateNotice(
  response: Pick<HttpResponse, "status" | "headers">,
  nowMs: EpochMs,
): RateNotice | null {
  const waitMs = retryAfterMs(response.headers, nowMs) ?? 0;
  if (response.status === 429) {
    const resetMs = waitMs > 0 ? nowMs + waitMs : floorToMinute(nowMs) + MINUTE_MS;
    return { remaining: 0, resetMs };
  }
  const remaining = response.headers["x-ratelimit-remaining"];
  if (waitMs === 0 || remaining === undefined || !/^\d{1,9}$/.test(remaining)) return null;
  return { remaining: Number(remaining), resetMs: nowMs + waitMs };
}
