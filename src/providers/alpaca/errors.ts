import type { EpochMs } from "../../domain/time.ts";
import { kindOfStatus, refusalText, retryAfterMs } from "../error-response.ts";
import type { HttpResponse } from "../provider.ts";
import type { ProviderErrorKind } from "../provider-error.ts";
import { ProviderError } from "../provider-error.ts";

const INVALID_SYMBOLS = /invalid symbols?: *(.+)$/i;

/**
 * Names the fault of an answer of Alpaca's data host whose status is not 200.
 * - 400 `invalid symbol: X`: one malformed symbol fails the whole batch; it is in `badSymbols`.
 * - 401, and 403 `forbidden.`: the key (the FAQ: wrong or missing credentials may give either).
 * - 403 `subscription does not permit …`, formerly 422 `end is too late for subscription`: the plan.
 * - 429: the wait is in `x-ratelimit-reset`.
 */
export function alpacaError(response: HttpResponse, nowMs: EpochMs): ProviderError {
  const { status } = response;
  const text = refusalText(response.body);
  const kind = kindOf(status, text);
  const waitMs = kind === "rate_limited" ? retryAfterMs(response.headers, nowMs) : null;
  return new ProviderError(kind, `answered ${status}: ${text ?? "no JSON"}`, {
    status,
    badSymbols: kind === "bad_request" ? invalidSymbols(text) : [],
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
  });
}

function kindOf(status: number, text: string | null): ProviderErrorKind {
  const aboutPlan = text !== null && /subscription/i.test(text);
  if (aboutPlan && (status === 403 || status === 422)) return "not_entitled";
  if (status === 403 && text !== null && /forbidden/i.test(text)) return "unauthorized";
  return kindOfStatus(status, text !== null);
}

function invalidSymbols(text: string | null): string[] {
  const named = INVALID_SYMBOLS.exec(text ?? "")?.[1] ?? "";
  return named.split(/[\s,]+/).filter((symbol) => symbol !== "");
}
