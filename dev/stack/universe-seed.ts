import type { Calendar } from "../../src/domain/calendar.ts";
import type { Listing } from "../../src/domain/merge-listings.ts";
import { lastSessionDates } from "../../src/domain/session-ahead.ts";
import { MIN_VOLUME_BARS, VOLUME_SESSIONS } from "../../src/domain/tier-places.ts";
import type { Tier } from "../../src/domain/tier.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { applyRefresh } from "../../src/ingest/apply-refresh.ts";
import { writePins } from "../../src/postgres/override-store.ts";
import { createSqlClient } from "../../src/postgres/sql-client.ts";
import type { Database } from "../database/database.ts";
import type { Market } from "../market/market.ts";
import { spellListing } from "../market/symbol-listing.ts";
import { canonicalOf } from "../market/symbology.ts";

/** The embedded database takes its time for thousands of rows in one transaction. */
const FETCH_TIMEOUT_MS = 60_000;

/** What the universe of a local stack is made from. */
export interface UniverseSeed {
  readonly market: Market;
  readonly symbolGroups: number;
  readonly calendar: Calendar;
  /** Market time at the start. */
  readonly startMs: EpochMs;
  /** Every symbol is pinned to T0: a file of bars has no volume history, and is played whole. */
  readonly pinned: boolean;
}

/**
 * Gives a new stack its universe at once, where a deployment would read lists and wait for 20 daily
 * bars: the same refresh, from the market's own list and daily bars. The service's own refresh at the
 * first tick then finds nothing to change.
 */
export async function seedUniverse(database: Database, seed: UniverseSeed): Promise<void> {
  const { market, symbolGroups, startMs, calendar } = seed;
  const sql = createSqlClient({
    databaseUrl: database.connectionString,
    sqlEndpoint: database.sqlUrl,
    fetchTimeoutMs: FETCH_TIMEOUT_MS,
  });
  const dates = lastSessionDates(calendar, startMs, VOLUME_SESSIONS);
  const volumes = async () => (seed.pinned ? new Map<string, number>() : volumesOf(market, dates));
  const deps = { sql, symbolGroups, nowMs: startMs, volumes };
  const listing = { provider: "polygon", complete: true, collisions: [] } as const;
  await applyRefresh(deps, [{ ...listing, listed: listedOf(market) }]);
  if (!seed.pinned) return;
  const pins = market.symbols.map(({ symbol }) => [canonicalOf(symbol), "T0"] as const);
  await writePins(sql, new Map<string, Tier>(pins), startMs);
  await applyRefresh(deps, []);
}

/** What polygon's list says of the market's symbols. */
function listedOf(market: Market): Listing[] {
  return spellListing("polygon", market.symbols).map(({ spelled, figi, listed }) => ({
    symbol: canonicalOf(listed.symbol),
    listedAs: spelled,
    name: listed.name,
    exchange: listed.exchange,
    type: listed.type,
    figi,
  }));
}

function volumesOf(market: Market, dates: readonly TradingDate[]): Map<string, number> {
  const volumes = new Map<string, number>();
  for (const { symbol } of market.symbols) {
    const traded = dates
      .map((date) => market.dailyBar(symbol, date))
      .filter((bar) => bar !== undefined)
      .map(({ c, v }) => c * v)
      .toSorted((a, b) => a - b);
    if (traded.length < MIN_VOLUME_BARS) continue;
    const [low = 0, high = 0] = [(traded.length - 1) / 2, traded.length / 2].map(
      (place) => traded[Math.floor(place)],
    );
    volumes.set(symbol, (low + high) / 2);
  }
  return volumes;
}
