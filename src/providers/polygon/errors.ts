import type { EpochMs } from "../../domain/time.ts";
import { kindOfStatus, refusalText, retryAfterMs } from "../error-response.ts";
import type { HttpResponse } from "../provider.ts";
import type { ProviderErrorKind } from "../provider-error.ts";
import { ProviderError } from "../provider-error.ts";

/**
 * Names the fault of a Polygon answer whose status is not 200. The text is in `error` or `message`
 * (both seen for the same fault).
 * - 401 `Unknown API Key`: the key, also if a 403 says so.
 * - 403 `NOT_AUTHORIZED`: the plan (endpoint or timeframe).
 * - 429: the body may be empty, and no header says how long: the caller waits the minute out.
 */
export function polygonError(response: HttpResponse, nowMs: EpochMs): ProviderError {
  const { status } = response;
  const text = refusalText(response.body);
  const kind = kindOf(status, text);
  const waitMs = kind === "rate_limited" ? retryAfterMs(response.headers, nowMs) : null;
  return new ProviderError(kind, `answered ${status}: ${text ?? "no JSON"}`, {
    status,
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
  });
}

function kindOf(status: number, text: string | null): ProviderErrorKind {
  if (status === 403 && text !== null && /api key/i.test(text)) return "unauthorized";
  return kindOfStatus(status, text !== null);
}
