import { type Calendar, createCalendar, MAX_RANGE_DAYS } from "../../src/domain/calendar.ts";
import { newYorkDayMs, newYorkDayNumber } from "../../src/domain/new-york-time.ts";
import type { Feed } from "../../src/domain/provider-id.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import {
  FIRST_CALENDAR_YEAR,
  formatTradingDate,
  LAST_CALENDAR_YEAR,
} from "../../src/domain/trading-date.ts";
import { dailyDialectOf, dialectOf } from "../market/dialects.ts";
import type { ListedSymbol, Market, MarketQuote, MarketSplit } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import { spellListing } from "../market/symbol-listing.ts";
import type { SpelledSymbol, SymbolListing } from "../market/symbol-listing.ts";
import { spellingOf } from "../market/symbology.ts";
import { BadRequest } from "./bad-request.ts";
import type { SandboxProvider } from "./endpoint.ts";
import type { LookUp } from "./minute-scan.ts";
import { venueQuote } from "./venue-quote.ts";

/** What all dialects read from: the tape at market time, and which symbols exist. */
export interface MarketSource {
  readonly now: () => EpochMs;
  /** The canonical symbol that a provider's spelling means; undefined when it is not traded here. */
  traded(provider: SandboxProvider, spelled: string): string | undefined;
  nameOf(symbol: string): string;
  /** Consolidated tape: A for NYSE, C for Nasdaq, B for all others. */
  tapeOf(symbol: string): "A" | "B" | "C";
  /** The market's own calendar: when it is open, as providers are asked for it. */
  readonly calendar: Calendar;
  /** Every symbol that is traded here. */
  readonly symbols: readonly ListedSymbol[];
  /** The splits that are announced at this moment and not called off, by date. */
  splitsNow(): readonly MarketSplit[];
  /** What the provider lists now, in its own spelling; not all of it need be traded here. */
  listing(provider: SandboxProvider): readonly SpelledSymbol[];
  /** What a feed serves at this moment; `now` is read once, so an answer is of one instant. */
  minutesNow(provider: SandboxProvider, feed: Feed): LookUp;
  /** The same for daily bars; the instant is the New York midnight that begins the trading date. */
  daysNow(provider: SandboxProvider, feed: Feed): LookUp;
  /** The quote of a symbol at an instant, of all venues or of IEX alone. */
  quote(symbol: string, feed: "sip" | "iex", atMs: EpochMs): MarketQuote | undefined;
  /**
   * New York midnights of the trading dates by the rules that begin in the range, both ends inclusive. Throws
   * BadRequest for more than ten years or for years that the calendar does not know.
   */
  tradingDays(startMs: EpochMs, endMs: EpochMs): readonly EpochMs[];
}

/** What a source is made from; without a listing the providers list what is traded. */
export interface MarketSourceDeps {
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly now: () => EpochMs;
  readonly listing?: SymbolListing | undefined;
  /** Default: that of the rules. */
  readonly calendar?: Calendar | undefined;
}

/** Join a market, the schedule of its publications and market time. */
export function createMarketSource(deps: MarketSourceDeps): MarketSource {
  const { market, publication, now } = deps;
  const calendar = deps.calendar ?? createCalendar();
  // Daily bars are published of every date that the rules open, also those that a replay jumps over.
  const rules = createCalendar();
  const listing = deps.listing ?? (() => market.symbols);
  const polygonSpelling = new Map(
    market.symbols.map(({ symbol }) => [spellingOf("polygon", symbol), symbol]),
  );
  const bySymbol = new Map(market.symbols.map((listed) => [listed.symbol, listed]));
  return {
    now,
    calendar,
    symbols: market.symbols,
    traded: (provider, spelled) =>
      provider === "polygon" ? polygonSpelling.get(spelled) : bySymbol.get(spelled)?.symbol,
    nameOf: (symbol) => bySymbol.get(symbol)?.name ?? symbol,
    tapeOf: (symbol) => {
      const exchange = bySymbol.get(symbol)?.exchange;
      if (exchange === "XNYS") return "A";
      return exchange === "XNAS" ? "C" : "B";
    },
    splitsNow: () => {
      const nowMs = now();
      return market.splits.filter(
        ({ announcedAtMs, withdrawnAtMs }) =>
          announcedAtMs <= nowMs && (withdrawnAtMs === null || nowMs < withdrawnAtMs),
      );
    },
    listing: (provider) => spellListing(provider, listing(provider, now())),
    minutesNow: (provider, feed) => {
      const nowMs = now();
      const dialect = dialectOf(provider, feed);
      return (symbol, ts) => {
        const bar = publication.visible(symbol, ts, nowMs);
        return bar === undefined ? undefined : dialect(symbol, ts, bar);
      };
    },
    daysNow: (provider, feed) => {
      const nowMs = now();
      const dialect = dailyDialectOf(provider, feed);
      return (symbol, ts) => {
        const date = formatTradingDate(newYorkDayNumber(ts));
        const bar = publication.visibleDaily(symbol, date, nowMs);
        return bar === undefined ? undefined : dialect(symbol, ts, bar);
      };
    },
    quote: (symbol, feed, atMs) => {
      const quote = market.quote(symbol, atMs);
      return feed === "sip" || quote === undefined ? quote : venueQuote(symbol, quote);
    },
    tradingDays: (startMs, endMs) => {
      if (endMs - startMs > MAX_RANGE_DAYS * DAY_MS) throw new BadRequest("the range is too long");
      for (const ms of [startMs, endMs]) {
        const year = new Date(ms).getUTCFullYear();
        if (year <= FIRST_CALENDAR_YEAR || year >= LAST_CALENDAR_YEAR) {
          throw new BadRequest(`no data for the year ${year}`);
        }
      }
      const days: EpochMs[] = [];
      for (let day = newYorkDayNumber(startMs); newYorkDayMs(day, 0) <= endMs; day += 1) {
        const ts = newYorkDayMs(day, 0);
        const isOpen = rules.session(formatTradingDate(day)) !== undefined;
        if (ts >= startMs && isOpen) days.push(ts);
      }
      return days;
    },
  };
}
