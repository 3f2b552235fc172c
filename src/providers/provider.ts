import type { Bar } from "../domain/bar.ts";
import type { CalendarClaim } from "../domain/calendar-claim.ts";
import type { SymbolCollision } from "../domain/canonical-symbol.ts";
import type { Interval } from "../domain/interval.ts";
import type { Capability, Feed, ProviderId } from "../domain/provider-id.ts";
import type { Quote } from "../domain/quote.ts";
import type { OptionChain } from "../domain/option-chain.ts";
import type { DateRange, Split } from "../domain/split.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { ListedSymbol } from "./listed-symbol.ts";
import type { ProviderError, ProviderErrorKind } from "./provider-error.ts";

/** Ask for raw bars of canonical symbols whose START lies in `[startMs, endMs)`. */
export interface BarsRequest extends TimeRange {
  readonly symbols: readonly string[];
  readonly interval: Interval;
}

/**
 * Ask for raw daily bars of canonical symbols. `dates` are trading dates whose session is over: the
 * caller knows the calendar, the adapter only what its plan serves.
 */
export interface DailyBarsRequest {
  readonly symbols: readonly string[];
  readonly dates: readonly TradingDate[];
}

/** Ask for the newest quote of canonical symbols. */
export interface QuotesRequest {
  readonly symbols: readonly string[];
}

/**
 * Ask for the provider's whole list of active US-listed securities. `page` is null at first, then the
 * `next` of the answer before: a slow key needs minutes for one list.
 */
export interface SymbolsRequest {
  readonly page: string | null;
}

/** Ask which dates from `from` to `through`, both included, are traded, and from when to when. */
export interface CalendarRequest {
  readonly from: TradingDate;
  readonly through: TradingDate;
}

/** Ask for every split of the market whose ex-date lies from `from` to `through`, both included. */
export type SplitsRequest = DateRange;

/**
 * Ask for the options of an underlying (canonical) as they stand, that expire from `date` to `through`, both
 * included. `date` is the trading date that the volumes must be of.
 */
export interface OptionChainRequest {
  readonly underlying: string;
  readonly date: TradingDate;
  readonly through: TradingDate;
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
  /** The answers said that the key is later than its plan. Absent: they did not. */
  readonly isLate?: boolean;
}

/** What a provider answered to a request for quotes. A fault does not throw, as with bars. */
export interface QuotesAnswer {
  readonly quotes: readonly Quote[];
  /** Symbols that it really answered for, be it with a quote or by having none. */
  readonly covered: readonly string[];
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** A piece of a provider's list. The list is whole when `next` and `failure` of the last piece are null. */
export interface SymbolsAnswer {
  readonly listed: readonly ListedSymbol[];
  /** Within this piece; the union over pieces and providers is the caller's. */
  readonly collisions: readonly SymbolCollision[];
  /** Spellings that no canonical symbol stands for. */
  readonly unmappable: readonly string[];
  /** Where to go on, opaque; also after a failure in the middle. */
  readonly next: string | null;
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** What a provider says of the trading days ahead; null when it failed to. */
export interface CalendarAnswer {
  readonly claim: CalendarClaim | null;
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** The splits of the asked dates. The list is whole when `failure` is null: only then absence says anything. */
export interface SplitsAnswer {
  readonly splits: readonly Split[];
  /** Spellings that no canonical symbol stands for. */
  readonly unmappable: readonly string[];
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
}

/** A chain, read to its end; null when it was not. */
export interface OptionChainAnswer {
  readonly chain: OptionChain | null;
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
  /** How late the key's minutes are, when it has shown to be later than its plan (see `PlanLimits`). */
  readonly delayMs?: number | "end_of_day";
}

/** Everything that a provider's API may offer. */
export interface ProviderVerbs {
  /** 1-minute bars. */
  fetchBars(request: BarsRequest, deps: ProviderDeps): Promise<BarsAnswer>;
  /** Daily bars; `ts` is 00:00 UTC of the trading date, whatever the provider writes. */
  fetchDailyBars(request: DailyBarsRequest, deps: ProviderDeps): Promise<BarsAnswer>;
  fetchQuotes(request: QuotesRequest, deps: ProviderDeps): Promise<QuotesAnswer>;
  listSymbols(request: SymbolsRequest, deps: ProviderDeps): Promise<SymbolsAnswer>;
  /** One call. The claim may end before the asked range does. */
  fetchCalendar(request: CalendarRequest, deps: ProviderDeps): Promise<CalendarAnswer>;
  fetchSplits(request: SplitsRequest, deps: ProviderDeps): Promise<SplitsAnswer>;
  fetchOptionChain(request: OptionChainRequest, deps: ProviderDeps): Promise<OptionChainAnswer>;
}

/** The verb that serves a capability. */
export const VERB_OF = {
  bars_1m: "fetchBars",
  bars_1d: "fetchDailyBars",
  quotes_l1: "fetchQuotes",
} as const satisfies Record<Capability, keyof ProviderVerbs>;

/** The port of a company whose API is polled. */
export interface Provider extends Partial<ProviderVerbs> {
  readonly id: ProviderId;
  /** What the configured plan serves: fewer than the verbs, where the API has more than the plan. */
  readonly capabilities: readonly Capability[];
}

/** A provider that serves this capability, so its verb is there. */
export type ProviderOf<C extends Capability> = Provider & Pick<ProviderVerbs, (typeof VERB_OF)[C]>;

/** Whether a provider's API and plan serve a capability. */
export function hasCapability<C extends Capability>(
  provider: Provider,
  capability: C,
): provider is ProviderOf<C> {
  return provider.capabilities.includes(capability) && provider[VERB_OF[capability]] !== undefined;
}
