import type { Flush } from "./flush.ts";

/** The lists of a flush that are stored entry by entry. */
export const FLUSH_PARTS = ["rows", "daily", "gaps", "quotes"] as const;
export type FlushPart = (typeof FLUSH_PARTS)[number];

/** One entry of a flush: in which list, and where in it. */
export interface FlushPlace {
  readonly part: FlushPart;
  readonly place: number;
}

/** Every entry of a flush. */
export function placesOf(flush: Flush): FlushPlace[] {
  return FLUSH_PARTS.flatMap((part) => flush[part].map((_entry, place) => ({ part, place })));
}

/** The flush with only some of its entries. */
export function withOnly(flush: Flush, places: readonly FlushPlace[]): Flush {
  const kept = new Set(places.map(nameOf));
  return filtered(flush, (place) => kept.has(nameOf(place)));
}

/** The flush without some of its entries. */
export function withoutPlaces(flush: Flush, places: readonly FlushPlace[]): Flush {
  const left = new Set(places.map(nameOf));
  return filtered(flush, (place) => !left.has(nameOf(place)));
}

function filtered(flush: Flush, isKept: (place: FlushPlace) => boolean): Flush {
  const pick = <T>(part: FlushPart, entries: readonly T[]): T[] =>
    entries.filter((_entry, place) => isKept({ part, place }));
  return {
    ...flush,
    rows: pick("rows", flush.rows),
    daily: pick("daily", flush.daily),
    gaps: pick("gaps", flush.gaps),
    quotes: pick("quotes", flush.quotes),
  };
}

function nameOf({ part, place }: FlushPlace): string {
  return `${part} ${place}`;
}
