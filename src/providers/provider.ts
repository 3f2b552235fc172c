import type { Bar } from "../domain/bar.ts";
import type { Interval } from "../domain/interval.ts";
import type { Capability, Feed, ProviderId } from "../domain/provider-id.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import type { ProviderError, ProviderErrorKind } from "./provider-error.ts";

/** Ask for raw bars of canonical symbols whose START lies in `[startMs, endMs)`. */
export interface BarsRequest extends TimeRange {
  readonly symbols: readonly string[];
  readonly interval: Interval;
}

/** For these symbols the provider really answered the whole window: pagination ended, nothing cut. */
export interface Covered extends TimeRange {
  readonly symbols: readonly string[];
}

/** One HTTP call as metrics and health see it. `code` is `ok` or the error's kind. */
export interface ProviderCall {
  readonly provider: ProviderId;
  readonly endpoint: string;
  readonly code: "ok" | ProviderErrorKind;
  readonly durationMs: number;
}

/**
 * What a provider answered. A fault does not throw: `failure` says why the rest is not covered, so
 * that what did come is kept and the next provider is asked only for the rest.
 */
export interface BarsAnswer {
  readonly rows: readonly Bar[];
  readonly covered: readonly Covered[];
  readonly feed: Feed;
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** A response read to its end. Header names are lower case. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The one way out to the network. Throws `ProviderError` of kind timeout, unavailable, or malformed
 * for a body over the limit.
 */
export type HttpGet = (
  url: string,
  options: { headers: Record<string, string>; timeoutMs: number },
) => Promise<HttpResponse>;

/** What an adapter is handed: no globals, so tests drive it with recorded bytes. */
export interface ProviderDeps {
  readonly get: HttpGet;
  /** Market time, ms: what "the last 16 minutes" means. */
  readonly now: () => EpochMs;
  /** A clock for durations, ms. */
  readonly elapsed: () => number;
  readonly timeoutMs: number;
  /** Take one credit before a call; throws `ProviderError("no_credits")` when there is none. */
  readonly spend: () => Promise<void>;
}

/** The port of a company whose API is polled. */
export interface Provider {
  readonly id: ProviderId;
  readonly capabilities: readonly Capability[];
  fetchBars(request: BarsRequest, deps: ProviderDeps): Promise<BarsAnswer>;
}
