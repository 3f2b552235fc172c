import type { ProviderId } from "./provider-id.ts";
import { PROVIDER_IDS } from "./provider-id.ts";
import type { MergedListing } from "./merge-listings.ts";
import type { Tier } from "./tier.ts";
import type { TradingDate } from "./trading-date.ts";

/** What stands for an exchange that nobody names: the ISO 10383 code of no market. */
export const UNKNOWN_EXCHANGE = "XXXX";
/** What stands for a type that nobody names. */
export const UNKNOWN_TYPE = "OTHER";

/** A symbol of the universe, once listed for ever kept. Dates are trading dates. */
export interface UniverseRow {
  readonly symbol: string;
  /** Its permanent number. */
  readonly sid: number;
  readonly name: string;
  readonly exchange: string;
  readonly type: string;
  readonly tier: Tier;
  readonly active: boolean;
  readonly figi: string | null;
  /** Whose FIGI it is: FIGIs of two providers are not compared. Null without one. */
  readonly figiSource: ProviderId | null;
  /** Whose name, exchange and type these are. */
  readonly source: ProviderId;
  /** When this security was first listed under this symbol. */
  readonly firstSeen: TradingDate;
  readonly lastSeen: TradingDate;
  /** When the symbol was given to the present security, if another one had it; null when none had. */
  readonly reusedOn: TradingDate | null;
  /** The symbol that this security had before; null when it had none. */
  readonly renamedFrom: string | null;
  /** Median dollar volume of the last 20 sessions, US dollars; null when too little is known. */
  readonly volume: number | null;
  /** Dates in a row on which no list had it, and the last of them. */
  readonly absences: number;
  readonly absentOn: TradingDate | null;
}

/** The row of a security that is listed for the first time. */
export function newRow(listing: MergedListing, sid: number, date: TradingDate): UniverseRow {
  return {
    symbol: listing.symbol,
    sid,
    name: listing.name ?? listing.symbol,
    exchange: listing.exchange ?? UNKNOWN_EXCHANGE,
    type: listing.type ?? UNKNOWN_TYPE,
    tier: "T2",
    active: true,
    figi: listing.figi,
    figiSource: listing.figiSource,
    source: listing.source,
    firstSeen: date,
    lastSeen: date,
    reusedOn: null,
    renamedFrom: null,
    volume: null,
    absences: 0,
    absentOn: null,
  };
}

/** Whether a symbol is listed with another security's FIGI than the one that it is known by. */
export function isReused(row: UniverseRow, listing: MergedListing): boolean {
  return (
    row.figi !== null &&
    listing.figi !== null &&
    row.figiSource === listing.figiSource &&
    row.figi !== listing.figi
  );
}

/** The row of a known symbol that is listed on a date, active again if it was not. */
export function listedRow(
  row: UniverseRow,
  listing: MergedListing,
  date: TradingDate,
): UniverseRow {
  const seen = { active: true, lastSeen: date, absences: 0, absentOn: null };
  if (!isReused(row, listing)) return { ...row, ...seen, ...detailsOf(row, listing) };
  return {
    ...newRow(listing, row.sid, date),
    tier: row.tier,
    reusedOn: date,
  };
}

/**
 * What is known of a security beside its symbol. Only whoever gave it may change it, or a provider
 * before that one in the fixed order: a day without the better provider does not rename the market.
 */
function detailsOf(row: UniverseRow, listing: MergedListing): Partial<UniverseRow> {
  const leads = atLeast(listing.source, row.source);
  const keepsFigi = listing.figi === null || !atLeast(listing.figiSource, row.figiSource);
  return {
    name: chosen(row.name, row.symbol, listing.name, leads),
    exchange: chosen(row.exchange, UNKNOWN_EXCHANGE, listing.exchange, leads),
    type: chosen(row.type, UNKNOWN_TYPE, listing.type, leads),
    source: leads ? listing.source : row.source,
    figi: keepsFigi ? row.figi : listing.figi,
    figiSource: keepsFigi ? row.figiSource : listing.figiSource,
  };
}

function chosen(known: string, unknown: string, listed: string | null, leads: boolean): string {
  return listed !== null && (leads || known === unknown) ? listed : known;
}

/** Whether a provider comes at or before another in the fixed order; nobody comes last. */
function atLeast(one: ProviderId | null, other: ProviderId | null): boolean {
  const place = (id: ProviderId | null) => (id === null ? Infinity : PROVIDER_IDS.indexOf(id));
  return place(one) <= place(other);
}
