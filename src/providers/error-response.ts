import type { EpochMs } from "../domain/time.ts";
import { SECOND_MS } from "../domain/time.ts";
import type { HttpResponse } from "./provider.ts";
import type { ProviderErrorKind } from "./provider-error.ts";

/** Longest wait that is believed, ms: a provider's clock may be wrong, or ours stepped. */
export const MAX_RETRY_AFTER_MS = 600_000;

/**
 * The text of a refusal: `error` or `message` of a JSON object. Null when the body is none, as when
 * a gateway before the provider answers with HTML, plain text or nothing.
 */
export function refusalText(body: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  if ("error" in json && typeof json.error === "string") return json.error;
  if ("message" in json && typeof json.message === "string") return json.message;
  return "";
}

/**
 * What a status other than 200 means where the provider gives it no meaning of its own. A redirect
 * is not followed and counts as unavailable; so does a 4xx that the provider itself did not write.
 */
export function kindOfStatus(status: number, fromProvider: boolean): ProviderErrorKind {
  if (status === 401) return "unauthorized";
  if (status === 404) return "not_found";
  if (status === 408 || status === 504) return "timeout";
  // 413 and 414 come from the gateway as HTML but are about the size of our request.
  if (status === 413 || status === 414) return "bad_request";
  if (status === 429) return "rate_limited";
  if (status < 400 || status >= 500 || !fromProvider) return "unavailable";
  return status === 402 || status === 403 ? "not_entitled" : "bad_request";
}

/**
 * How long a 429 asks us to wait, ms: from `x-ratelimit-reset` (epoch SECONDS) against market time,
 * else from `retry-after` (seconds); null when it says neither. Never negative, and capped.
 */
export function retryAfterMs(headers: HttpResponse["headers"], nowMs: EpochMs): number | null {
  const resetSeconds = positiveNumber(headers["x-ratelimit-reset"]);
  const afterSeconds = positiveNumber(headers["retry-after"]);
  if (resetSeconds === null && afterSeconds === null) return null;
  const waitMs =
    resetSeconds === null ? (afterSeconds ?? 0) * SECOND_MS : resetSeconds * SECOND_MS - nowMs;
  return Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

function positiveNumber(text: string | undefined): number | null {
  const value = Number(text ?? "");
  return Number.isFinite(value) && value > 0 ? value : null;
}
