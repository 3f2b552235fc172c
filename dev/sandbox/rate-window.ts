import { floorToMinute, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";

/** What a call was told about the quota of its minute. */
export interface RateAnswer {
  readonly isGranted: boolean;
  /** `X-RateLimit-*` as Alpaca sends them on every answer; Reset in epoch seconds. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Calls a minute of market time; the window is the calendar minute. */
export interface RateWindow {
  take(): RateAnswer;
  /** The headers of a spent window, whatever is left: for the fault `rate_limited`. */
  spentHeaders(): Readonly<Record<string, string>>;
}

/** A quota of `callsPerMinute` on the clock `now`. */
export function createRateWindow(callsPerMinute: number, now: () => EpochMs): RateWindow {
  let windowMs = Number.NEGATIVE_INFINITY;
  let used = 0;

  function headers(remaining: number): Readonly<Record<string, string>> {
    return {
      "x-ratelimit-limit": String(callsPerMinute),
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-reset": String((floorToMinute(now()) + MINUTE_MS) / SECOND_MS),
    };
  }

  return {
    take: () => {
      const minuteMs = floorToMinute(now());
      if (minuteMs !== windowMs) {
        windowMs = minuteMs;
        used = 0;
      }
      const isGranted = used < callsPerMinute;
      if (isGranted) used += 1;
      return { isGranted, headers: headers(callsPerMinute - used) };
    },
    spentHeaders: () => headers(0),
  };
}
