import { canonicalSymbols, type SymbolCollision } from "./canonical-symbol.ts";
import { PROVIDER_IDS, type ProviderId } from "./provider-id.ts";
import { isTestIssue } from "./test-issue.ts";

/** A security as a provider lists it, under its canonical symbol. Null is what the provider does not say. */
export interface Listing {
  readonly symbol: string;
  /** The provider's own spelling of the symbol. */
  readonly listedAs: string;
  readonly name: string | null;
  /** Operating MIC (ISO 10383). */
  readonly exchange: string | null;
  readonly type: string | null;
  readonly figi: string | null;
}

/** What one provider lists, rows in any order; `complete` when every page of its list was read. */
export interface ProviderListing {
  readonly provider: ProviderId;
  readonly complete: boolean;
  readonly listed: readonly Listing[];
  /** Spellings that were dropped before: two of one symbol on one page. */
  readonly collisions: readonly SymbolCollision[];
}

/** A security as all providers together list it. */
export interface MergedListing extends Omit<Listing, "listedAs"> {
  /** The first provider in the fixed order that lists it: the one whose details count. */
  readonly source: ProviderId;
  /** Whose FIGI it is; null without one. */
  readonly figiSource: ProviderId | null;
  readonly listedBy: ReadonlySet<ProviderId>;
}

/** The union of the providers' lists. */
export interface MergedListings {
  readonly bySymbol: ReadonlyMap<string, MergedListing>;
  /** Per provider, how many symbols it lists, test issues left out. */
  readonly sizes: ReadonlyMap<ProviderId, number>;
  readonly collisions: readonly SymbolCollision[];
  /** Symbols that were left out as test issues of an exchange. */
  readonly testIssues: readonly string[];
}

/**
 * Unites lists. The same for any order of lists and rows: one spelling a symbol and provider counts,
 * and of several providers the first in a fixed order says each detail that it knows. A symbol that
 * any of them names a test issue is left out.
 */
export function mergeListings(listings: readonly ProviderListing[]): MergedListings {
  const ordered = PROVIDER_IDS.flatMap((id) => listings.filter(({ provider }) => provider === id));
  const bySymbol = new Map<string, MergedListing>();
  const testIssues = new Set<string>();
  const collisions = new Map<string, SymbolCollision>();
  const lists = ordered.map((list) => ({ provider: list.provider, ...oneEach(list) }));
  for (const { provider, rows, collisions: own } of lists) {
    for (const collision of own) collisions.set(JSON.stringify(collision), collision);
    for (const row of rows) {
      if (isTestIssue(row.symbol, row.name)) testIssues.add(row.symbol);
      bySymbol.set(row.symbol, merge(bySymbol.get(row.symbol), row, provider));
    }
  }
  for (const symbol of testIssues) bySymbol.delete(symbol);
  const sizes = lists.map(({ provider, rows }) => {
    const kept = rows.filter(({ symbol }) => !testIssues.has(symbol));
    return [provider, kept.length] as const;
  });
  return {
    bySymbol,
    sizes: new Map(sizes),
    collisions: [...collisions.values()].toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1)),
    testIssues: [...testIssues].toSorted(),
  };
}

/** One row for each symbol of a provider's list: of its preferred spelling the one that says most. */
function oneEach(list: ProviderListing): {
  rows: Listing[];
  collisions: readonly SymbolCollision[];
} {
  const bySpelling = new Map<string, Listing>();
  for (const row of list.listed) {
    const held = bySpelling.get(row.listedAs);
    if (held === undefined || saysMore(row, held)) bySpelling.set(row.listedAs, row);
  }
  const { spellings, collisions } = canonicalSymbols(
    [...bySpelling.keys()].toSorted(),
    (spelling) => bySpelling.get(spelling)?.symbol ?? null,
  );
  const rows = [...spellings.values()]
    .map((spelling) => bySpelling.get(spelling))
    .filter((row) => row !== undefined);
  return { rows: withoutShared(rows), collisions: [...list.collisions, ...collisions] };
}

function saysMore(row: Listing, held: Listing): boolean {
  const [values, heldValues] = [row, held].map(({ name, exchange, type, figi }) =>
    [name, exchange, type, figi].map((value) => value ?? ""),
  );
  const said = (of: readonly string[] = []) => of.filter((value) => value !== "").length;
  return said(values) === said(heldValues)
    ? JSON.stringify(values) < JSON.stringify(heldValues)
    : said(values) > said(heldValues);
}

/** A FIGI that a provider gives to two symbols identifies neither. */
function withoutShared(rows: readonly Listing[]): Listing[] {
  const symbols = Map.groupBy(rows, ({ figi }) => figi);
  return rows.map((row) =>
    (symbols.get(row.figi)?.length ?? 0) > 1 ? { ...row, figi: null } : row,
  );
}

function merge(
  held: MergedListing | undefined,
  { symbol, name, exchange, type, figi }: Listing,
  provider: ProviderId,
): MergedListing {
  const figiSource = figi === null ? null : provider;
  if (held === undefined) {
    const listedBy = new Set([provider]);
    return { symbol, name, exchange, type, figi, source: provider, figiSource, listedBy };
  }
  return {
    ...held,
    name: held.name ?? name,
    exchange: held.exchange ?? exchange,
    type: held.type ?? type,
    figi: held.figi ?? figi,
    figiSource: held.figiSource ?? figiSource,
    listedBy: new Set([...held.listedBy, provider]),
  };
}
