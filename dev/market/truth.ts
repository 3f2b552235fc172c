import type { Feed, ProviderId } from "../../src/domain/provider-id.ts";
import { newYorkMs } from "../../src/domain/new-york-time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { dailyDialectOf, dialectOf } from "./dialects.ts";
import type { Publication } from "./market.ts";
import type { PublicationSchedule } from "./publication.ts";

/**
 * Every version of a bar that the sandbox serves in a provider's dialect, first seen first: what a run
 * is reconciled against. Empty when nothing traded or the feed did not see the minute.
 */
export function versionsOf(
  publication: PublicationSchedule,
  provider: ProviderId,
  feed: Feed,
  symbol: string,
  ts: EpochMs,
): readonly Publication[] {
  const dialect = dialectOf(provider, feed);
  return publication.publications(symbol, ts).flatMap(({ visibleAtMs, bar }) => {
    const seen = dialect(symbol, ts, bar);
    return seen === undefined ? [] : [{ visibleAtMs, bar: seen }];
  });
}

/** The same for the daily bar of a trading date. */
export function dailyVersionsOf(
  publication: PublicationSchedule,
  provider: ProviderId,
  feed: Feed,
  symbol: string,
  date: TradingDate,
): readonly Publication[] {
  const dialect = dailyDialectOf(provider, feed);
  return publication.dailyPublications(symbol, date).flatMap(({ visibleAtMs, bar }) => {
    const seen = dialect(symbol, newYorkMs(date, 0), bar);
    return seen === undefined ? [] : [{ visibleAtMs, bar: seen }];
  });
}
