import type { EpochMs } from "../../domain/time.ts";
import { kindOfStatus, refusalText, retryAfterMs } from "../error-response.ts";
import type { HttpResponse } from "../provider.ts";
import type { ProviderErrorKind } from "../provider-error.ts";
import { ProviderError } from "../provider-error.ts";

/**
 * Names the fault of a Finnhub answer whose status is not 200. The text is in `error`.
 * - 401: the key, unless the text is about access to a resource (the 403 of 2021, issue 405).
 * - 403 `You don't have access to this resource.`: the plan.
 * - 429: JSON or plain text (issue 122); the wait is in `x-ratelimit-reset` when it is there.
 */
export function finnhubError(response: HttpResponse, nowMs: EpochMs): ProviderError {
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
  if (status === 401 && text !== null && /access to this resource/i.test(text)) {
    return "not_entitled";
  }
  return kindOfStatus(status, text !== null);
}
