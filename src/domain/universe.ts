import { type MergedListing, type MergedListings, mergeListings } from "./merge-listings.ts";
import type { ProviderListing } from "./merge-listings.ts";
import type { ProviderId } from "./provider-id.ts";
import type { Tier } from "./tier.ts";
import { placeTiers, type TierPlaces } from "./tier-places.ts";
import type { TradingDate } from "./trading-date.ts";
import { type UniverseChange, changeOf } from "./universe-change.ts";
import { isReused, listedRow, newRow, type UniverseRow } from "./universe-row.ts";

/** A symbol leaves when every complete list of so many different dates lacked it: lists have bad days. */
export const ABSENT_DATES = 3;

/**
 * A list with fewer symbols than this share of all that were ever listed is not believed to be
 * complete. Of all, not of the active ones: that number is the same before and after a refresh.
 */
const MIN_COMPLETE_SHARE = 0.5;

/** Volumes of fewer symbols than this share of those that had one are not all of them. */
const MIN_VOLUMES_SHARE = 0.5;

/** What a refresh of the universe is made from. */
export interface RefreshInput {
  /** Every symbol that was ever listed, in any order. */
  readonly rows: readonly UniverseRow[];
  /** What the providers list now; none when only tiers are to be placed. */
  readonly listings: readonly ProviderListing[];
  /**
   * Median dollar volumes of the last 20 sessions, US dollars, without symbols of fewer than 5 daily
   * bars. None at all, or far fewer than were known before (they are still being loaded): nobody moves.
   */
  readonly volumes: ReadonlyMap<string, number>;
  /** Tiers that an operator pinned. */
  readonly pins: ReadonlyMap<string, Tier>;
  /** How many symbols the tiers take; absent: the defaults. */
  readonly places?: TierPlaces;
  readonly date: TradingDate;
}

/** The universe after a refresh. */
export interface Refreshed {
  /** Every row, by symbol. */
  readonly rows: readonly UniverseRow[];
  /** What changed, by symbol. */
  readonly changes: readonly UniverseChange[];
  readonly merged: MergedListings;
}

/**
 * The next universe. The union of the lists is in, test issues are not; who is on no list leaves
 * after three dates; a security that has another symbol now leaves under the old one at once. Any
 * order of the input gives the same result, and the same refresh again changes nothing.
 */
export function refreshUniverse(input: RefreshInput): Refreshed {
  const merged = mergeListings(input.listings);
  const before = new Map(input.rows.map((row) => [row.symbol, row]));
  const refresh = new Refresh(input, merged, before);
  const symbols = [...new Set([...before.keys(), ...merged.bySymbol.keys()])].toSorted();
  const listed = symbols.map((symbol) => refresh.next(symbol)).filter((row) => row !== null);
  const rows = withTiers(listed, input);
  return { rows, changes: rows.flatMap((row) => changeOf(before.get(row.symbol), row)), merged };
}

/** A refresh under way: the lists held against what is known. */
class Refresh {
  #input: RefreshInput;
  #merged: MergedListings;
  #before: ReadonlyMap<string, UniverseRow>;
  #believed: ReadonlySet<ProviderId>;
  /** Known symbols whose security is listed under another symbol now. */
  #moved: ReadonlyMap<string, string>;
  /** What a newly listed security was under its old symbol. */
  #formerly: ReadonlyMap<string, UniverseRow>;
  #nextSid: number;

  constructor(
    input: RefreshInput,
    merged: MergedListings,
    before: ReadonlyMap<string, UniverseRow>,
  ) {
    this.#input = input;
    this.#merged = merged;
    this.#before = before;
    this.#believed = believedLists(input, merged);
    this.#moved = this.#findMoved();
    this.#formerly = this.#findFormer();
    this.#nextSid = 1 + Math.max(0, ...input.rows.map(({ sid }) => sid));
  }

  /** A symbol's row after the refresh; null when it is neither known nor listed. */
  next(symbol: string): UniverseRow | null {
    const { date } = this.#input;
    const row = this.#before.get(symbol);
    const listing = this.#listingOf(symbol, row);
    if (listing === undefined) return row === undefined ? null : this.#unlisted(row);
    const next =
      row === undefined ? newRow(listing, this.#nextSid++, date) : listedRow(row, listing, date);
    const former = this.#formerly.get(symbol);
    if (former === undefined) return next;
    return { ...next, renamedFrom: former.symbol, tier: former.tier, volume: former.volume };
  }

  /** What lists say of a symbol; of one whose security has moved, only what names another security. */
  #listingOf(symbol: string, row: UniverseRow | undefined): MergedListing | undefined {
    const listing = this.#merged.bySymbol.get(symbol);
    if (row === undefined || listing === undefined || !this.#moved.has(symbol)) return listing;
    return isReused(row, listing) ? listing : undefined;
  }

  #unlisted(row: UniverseRow): UniverseRow {
    const { date } = this.#input;
    if (!row.active) return row;
    if (this.#moved.has(row.symbol)) return { ...row, active: false };
    if (this.#believed.size === 0 || (row.absentOn !== null && row.absentOn >= date)) return row;
    const absences = row.absences + 1;
    return { ...row, absences, absentOn: date, active: absences < ABSENT_DATES };
  }

  /**
   * A provider that gave a symbol's FIGI, lists everything, and lists that FIGI under another symbol:
   * the security has moved. Lists of others that still have the old symbol are behind.
   */
  #findMoved(): Map<string, string> {
    const holders = new Map<string, MergedListing>();
    for (const listing of this.#merged.bySymbol.values())
      if (listing.figi !== null) holders.set(`${listing.figiSource} ${listing.figi}`, listing);
    const moved = new Map<string, string>();
    for (const row of this.#before.values()) {
      const holder = holders.get(`${row.figiSource} ${row.figi}`);
      if (row.figiSource === null || holder === undefined || holder.symbol === row.symbol) continue;
      const own = this.#merged.bySymbol.get(row.symbol);
      const stays = own?.listedBy.has(row.figiSource) === true && !isReused(row, own);
      if (this.#believed.has(row.figiSource) && !stays) moved.set(row.symbol, holder.symbol);
    }
    return moved;
  }

  /** Of several old symbols of one security the one that was seen last. */
  #findFormer(): Map<string, UniverseRow> {
    const former = new Map<string, UniverseRow>();
    for (const [symbol, to] of this.#moved) {
      const row = this.#before.get(symbol);
      const listing = this.#merged.bySymbol.get(to);
      if (row === undefined || listing === undefined || !this.#isNews(row, listing)) continue;
      const held = former.get(to);
      const isLater =
        held === undefined ||
        row.lastSeen > held.lastSeen ||
        (row.lastSeen === held.lastSeen && row.symbol < held.symbol);
      if (isLater) former.set(to, row);
    }
    return former;
  }

  /** A move is news while the old symbol is active, or when the new one was not listed for this security. */
  #isNews(old: UniverseRow, listing: MergedListing): boolean {
    const known = this.#before.get(listing.symbol);
    return old.active || known === undefined || !known.active || isReused(known, listing);
  }
}

/** Providers whose lists were read to the end and are not far too short. */
function believedLists(input: RefreshInput, merged: MergedListings): Set<ProviderId> {
  const known = new Set([...input.rows.map((row) => row.symbol), ...merged.bySymbol.keys()]);
  return new Set(
    input.listings
      .filter(({ provider, complete }) => {
        const size = merged.sizes.get(provider) ?? 0;
        return complete && size >= known.size * MIN_COMPLETE_SHARE;
      })
      .map(({ provider }) => provider),
  );
}

/** The rows with volumes and tiers; a renamed security has the volume of its old symbol until its own is known. */
function withTiers(rows: readonly UniverseRow[], input: RefreshInput): UniverseRow[] {
  const { pins } = input;
  const measured = rows.filter((row) => row.active && row.volume !== null).length;
  const isWhole = input.volumes.size >= measured * MIN_VOLUMES_SHARE;
  const volumes = isWhole ? input.volumes : new Map<string, number>();
  const volumeOf = (row: UniverseRow): number | null => {
    // What is known of a symbol on the day of its reuse is the other security's.
    const own = row.reusedOn === input.date ? undefined : volumes.get(row.symbol);
    return own ?? volumes.get(row.renamedFrom ?? "") ?? null;
  };
  const known = rows.map((row) => ({
    row,
    volume: volumes.size === 0 || !row.active ? row.volume : volumeOf(row),
  }));
  const placed = placeTiers(
    known
      .filter(({ row }) => row.active)
      .map(({ row, volume }) => ({
        symbol: row.symbol,
        tier: row.volume === null ? null : row.tier,
        volume,
      })),
    input.places,
  );
  return known.map(({ row, volume }) => {
    if (!row.active) return row;
    const own = volumes.size === 0 && !pins.has(row.symbol) ? row.tier : placed.get(row.symbol);
    return { ...row, volume, tier: pins.get(row.symbol) ?? own ?? "T2" };
  });
}
