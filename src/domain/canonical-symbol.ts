import { isCanonicalSymbol } from "./symbol.ts";

/** Exchanges' lists write one suffix in several ways; these become the canonical one. */
const SUFFIXES: Readonly<Record<string, string>> = { W: "WS", R: "RT" };

/** `BAC$L` of Nasdaq's list, `BAC^L` of its other files; without a letter the only preferred. */
const PREFERRED = /^([A-Z]{1,6})[$^]([A-Z]?)((?:\.[A-Z]{1,3})?)$/;

/**
 * The canonical symbol of a listed one, or null when it has none (`unmappable`):
 *
 * | listed | canonical | |
 * |---|---|---|
 * | `BRK.B` `BRK/B` `BRK-B` | `BRK.B` | class |
 * | `BAC$L` `BAC^L`, `KIM$` | `BAC.PRL`, `KIM.PR` | preferred |
 * | `ACHR.W` `RAC.WS` | `ACHR.WS` `RAC.WS` | warrant |
 * | `AIIA.R` | `AIIA.RT` | right |
 * | `AIIA.U` `MKC.V` | as they are | unit, when issued |
 *
 * Canonical symbols map to themselves. Lower case means something to some providers (`BACpL`), so it
 * is never folded here. Source: the symbol conventions of Nasdaq's symbol directory.
 */
export function canonicalSymbol(listed: string): string | null {
  const [root = "", ...suffixes] = withPreferred(listed).split(/[./-]/);
  const symbol = [root, ...suffixes.map((suffix) => SUFFIXES[suffix] ?? suffix)].join(".");
  return isCanonicalSymbol(symbol) ? symbol : null;
}

function withPreferred(listed: string): string {
  const match = PREFERRED.exec(listed);
  return match === null ? listed : `${match[1]}.PR${match[2]}${match[3]}`;
}

/** Whether a canonical symbol is a preferred share, `ROOT.PR` or `ROOT.PRL`. */
export function isPreferred(symbol: string): boolean {
  return /\.PR[A-Z]?(\.|$)/.test(symbol);
}

/** Whether a canonical symbol is a right, `ROOT.RT`. */
export function isRight(symbol: string): boolean {
  return symbol.endsWith(".RT");
}

/** Two spellings in one list that are one security. */
export interface SymbolCollision {
  readonly symbol: string;
  readonly kept: string;
  readonly dropped: string;
}

/** A list of spellings as canonical symbols. */
export interface CanonicalSymbols {
  /** Canonical symbol to the spelling kept for it, in order of arrival. */
  readonly spellings: ReadonlyMap<string, string>;
  readonly collisions: readonly SymbolCollision[];
  readonly unmappable: readonly string[];
}

/**
 * Brings a list into canonical form. The same spelling twice is a repeated row and says nothing; two
 * spellings of one symbol are a collision, of which the canonical spelling is kept, else the smaller
 * text: so the order of the list decides nothing but the order of the result.
 */
export function canonicalSymbols(
  listed: Iterable<string>,
  toCanonical: (spelling: string) => string | null = canonicalSymbol,
): CanonicalSymbols {
  const spellings = new Map<string, string>();
  const collisions: SymbolCollision[] = [];
  const unmappable: string[] = [];
  for (const spelling of new Set(listed)) {
    const symbol = toCanonical(spelling);
    if (symbol === null) {
      unmappable.push(spelling);
      continue;
    }
    const held = spellings.get(symbol);
    const kept = held === undefined ? spelling : preferredSpelling(symbol, held, spelling);
    spellings.set(symbol, kept);
    if (held !== undefined) {
      collisions.push({ symbol, kept, dropped: kept === held ? spelling : held });
    }
  }
  return { spellings, collisions, unmappable };
}

function preferredSpelling(symbol: string, one: string, other: string): string {
  if (one === symbol || other === symbol) return symbol;
  return one < other ? one : other;
}
