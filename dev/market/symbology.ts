import type { ProviderId } from "../../src/domain/provider-id.ts";

/** A preferred share, as a directory writes it (`BAC$L`, `KIM$`) or canonical (`BAC.PRL`, `KIM.PR`). */
const PREFERRED = /^([A-Z]{1,6})(?:\$|\.PR)([A-Z]?)$/;
/** What a directory shortens. */
const SHORT_SUFFIXES: readonly (readonly [short: string, canonical: string])[] = [
  [".W", ".WS"],
  [".R", ".RT"],
];

/** The canonical form of a symbol as the exchanges' directory writes it; canonical ones stay. */
export function canonicalOf(symbol: string): string {
  const [, root, letter] = PREFERRED.exec(symbol) ?? [];
  if (root !== undefined) return `${root}.PR${letter ?? ""}`;
  const suffix = SHORT_SUFFIXES.find(([short]) => symbol.endsWith(short));
  return suffix === undefined ? symbol : symbol.slice(0, -suffix[0].length) + suffix[1];
}

/**
 * How a provider writes a symbol, given canonical or as in the directory. Polygon's preferreds carry a
 * lower-case p (`BACpL`); classes, units and warrants are `.B`, `.U` and `.WS` with all of them. What
 * Finnhub makes of preferreds and all of rights is not settled: here they are canonical.
 */
export function spellingOf(provider: ProviderId, symbol: string): string {
  const canonical = canonicalOf(symbol);
  if (provider !== "polygon") return canonical;
  const [, root, letter] = PREFERRED.exec(canonical) ?? [];
  return root === undefined ? canonical : `${root}p${letter ?? ""}`;
}
