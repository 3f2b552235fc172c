import { hideSecrets } from "../platform/secrets.ts";

/**
 * Everything that can go wrong at a provider, as a closed union.
 *
 * | kind | next provider? | lowers health? |
 * |---|---|---|
 * | rate_limited | yes | only in a run |
 * | unauthorized, not_entitled | yes | no: a fact about the key |
 * | bad_request, not_found | yes, for what it left out | no: a fact about the job |
 * | timeout, unavailable, malformed | yes | yes |
 * | no_credits | yes | no: our own quota, no call was made |
 */
export const PROVIDER_ERROR_KINDS = [
  "rate_limited",
  "unauthorized",
  "not_entitled",
  "bad_request",
  "not_found",
  "timeout",
  "unavailable",
  "malformed",
  "no_credits",
] as const;
export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

/** Kinds that may be over when the same is asked again; the others are facts about key, plan or request. */
const PASSING: ReadonlySet<ProviderErrorKind> = new Set([
  "rate_limited",
  "timeout",
  "unavailable",
  "malformed",
  "no_credits",
]);

/** Whether another try may mend a fault of this kind. */
export function isPassing(kind: ProviderErrorKind): boolean {
  return PASSING.has(kind);
}

/** Stored and shown error text is capped: providers answer whole HTML pages. */
export const MAX_ERROR_TEXT = 300;

/** A fault of a provider's answer. Never carries a key or a URL with a query. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly status: number | null;
  /** How long the provider asked us to wait, ms; null when it said nothing. */
  readonly retryAfterMs: number | null;
  /** Symbols that the provider called malformed (a `bad_request` of a batch). */
  readonly badSymbols: readonly string[];

  constructor(
    kind: ProviderErrorKind,
    message: string,
    details: { status?: number; retryAfterMs?: number; badSymbols?: readonly string[] } = {},
  ) {
    // A provider that refuses a key may say it back.
    super(hideSecrets(message).slice(0, MAX_ERROR_TEXT));
    this.name = "ProviderError";
    this.kind = kind;
    this.status = details.status ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.badSymbols = details.badSymbols ?? [];
  }
}
