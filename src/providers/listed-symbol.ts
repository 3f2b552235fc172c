import { canonicalSymbols, type SymbolCollision } from "../domain/canonical-symbol.ts";

/** What a security is; `OTHER` is a type that no table here names. */
export type SecurityType =
  | "COMMON"
  | "ADR"
  | "ETF"
  | "ETN"
  | "PREFERRED"
  | "WARRANT"
  | "RIGHT"
  | "UNIT"
  | "NOTE"
  | "OTHER";

/** A row of a provider's symbol list. Null is what this provider does not say. */
export interface ListedSymbol {
  readonly symbol: string;
  /** The provider's own spelling of it. */
  readonly listedAs: string;
  readonly name: string | null;
  /** Operating market identifier code (ISO 10383), for example `XNAS`. */
  readonly exchange: string | null;
  readonly type: SecurityType | null;
  /** Composite FIGI: follows a security through renames. */
  readonly figi: string | null;
}

/** A row before its spelling is canonical. */
export type SpelledRow = Omit<ListedSymbol, "symbol">;

/** Rows under canonical symbols, one for each, and what did not become one. */
export interface ListedSymbols {
  readonly listed: readonly ListedSymbol[];
  readonly collisions: readonly SymbolCollision[];
  readonly unmappable: readonly string[];
}

/** Markets over the counter: their securities are not listed on an exchange and not served. */
const OVER_THE_COUNTER: ReadonlySet<string> = new Set(["OOTC", "OTCM", "OTC", "PINX", "XOTC"]);

/**
 * Puts rows under their canonical symbols and leaves out what trades over the counter. Of repeated
 * rows the one that says more is kept (some repeat a ticker without its type, polygon issue 165).
 */
export function toListedSymbols(
  rows: readonly SpelledRow[],
  toCanonical: (spelling: string) => string | null,
): ListedSymbols {
  const bySpelling = new Map<string, SpelledRow>();
  for (const row of rows) {
    if (row.exchange !== null && OVER_THE_COUNTER.has(row.exchange)) continue;
    const held = bySpelling.get(row.listedAs);
    if (held === undefined || said(row) > said(held)) bySpelling.set(row.listedAs, row);
  }
  const { spellings, collisions, unmappable } = canonicalSymbols(bySpelling.keys(), toCanonical);
  const listed: ListedSymbol[] = [];
  for (const [symbol, spelling] of spellings) {
    const row = bySpelling.get(spelling);
    if (row !== undefined) listed.push({ ...row, symbol });
  }
  return { listed, collisions, unmappable };
}

function said(row: SpelledRow): number {
  return Object.values(row).filter((value) => value !== null).length;
}
