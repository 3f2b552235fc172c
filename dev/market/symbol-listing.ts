import type { ProviderId } from "../../src/domain/provider-id.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { hash32, hashUnit } from "./hash.ts";
import type { ListedSymbol } from "./market.ts";
import { canonicalOf, spellingOf } from "./symbology.ts";

/**
 * What the providers list at a market time, in the order in which they list it. `symbol` is canonical or
 * as the directory writes it. A test changes it from one instant to another to rename or to lose one.
 */
export type SymbolListing = (provider: ProviderId, nowMs: EpochMs) => readonly ListedSymbol[];

/** A listed symbol as one provider's answer has it. */
export interface SpelledSymbol {
  readonly spelled: string;
  /** The same for the same security with all providers, as real FIGIs are. */
  readonly figi: string;
  readonly listed: ListedSymbol;
}

const FIGI_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ0123456789";
const SALT = { order: 81, repeat: 82, figi: 83 };

/** Twelve characters that look like a FIGI: `BBG00` and seven by hash. Not a registered one. */
function figiOf(canonical: string): string {
  let figi = "BBG00";
  for (let place = 0; place < 7; place += 1) {
    const index = hash32(fnv1a32(canonical), place, SALT.figi) % FIGI_LETTERS.length;
    figi += FIGI_LETTERS.charAt(index);
  }
  return figi;
}

/**
 * The listing in a provider's own spelling. No provider lists two securities under one symbol: where
 * two would be spelled alike (`RAC.W` beside `RAC.WS`) the other keeps the directory's.
 */
export function spellListing(
  provider: ProviderId,
  listing: readonly ListedSymbol[],
): readonly SpelledSymbol[] {
  const taken = new Set(
    listing.map(({ symbol }) => symbol).filter((symbol) => spellingOf(provider, symbol) === symbol),
  );
  return listing.map((listed) => {
    const canonical = canonicalOf(listed.symbol);
    const spelling = spellingOf(provider, listed.symbol);
    const isTaken = spelling !== listed.symbol && taken.has(spelling);
    return { spelled: isTaken ? listed.symbol : spelling, figi: figiOf(canonical), listed };
  });
}

/** In an order by `seed`, with a share of the rows (`repeatRate`, 0 to 1) listed a second time. */
export function shuffleListing(
  symbols: readonly ListedSymbol[],
  options: { readonly seed: number; readonly repeatRate: number },
): readonly ListedSymbol[] {
  const rows = symbols.flatMap((listed, index) => {
    const isTwice = hashUnit(options.seed, index, SALT.repeat) < options.repeatRate;
    return isTwice ? [listed, listed] : [listed];
  });
  return rows
    .map((listed, index) => ({ listed, order: hash32(options.seed, index, SALT.order) }))
    .sort((a, b) => a.order - b.order)
    .map(({ listed }) => listed);
}
