/** One quote as it was written, `as_of` in ms. */
export interface StoredQuote {
  readonly symbol: string;
  readonly ts: number;
  readonly bid: number | null;
  readonly asOf: number;
}

/** Where the stream of quotes of a group stands in the maps by group. */
export function quotesPlace(group: number): number {
  return 1_000 + group;
}

/** Writes quotes by symbol and event time; `column` gives a bound array by its place in the statement. */
export function storeQuotes(
  quotes: Map<string, StoredQuote>,
  column: (place: number) => readonly string[],
  asOf: number,
): void {
  column(1).forEach((symbol, at) => {
    const ts = Number(column(2)[at]);
    const bid = column(4)[at] ?? "";
    quotes.set(`${symbol} ${ts}`, { symbol, ts, bid: bid === "" ? null : Number(bid), asOf });
  });
}

/** A page of a symbol's quotes; `args` are those of the statement: symbol, start, end, as_of, limit. */
export function findQuotes(
  quotes: ReadonlyMap<string, StoredQuote>,
  args: readonly (string | null)[],
): StoredQuote[] {
  const [startMs = 0, endMs = 0, asOf = 0] = [1, 2, 3].map((at) => Date.parse(args[at] ?? ""));
  return [...quotes.values()]
    .filter(({ symbol, ts }) => symbol === args[0] && ts >= startMs && ts < endMs)
    .filter((quote) => quote.asOf <= asOf)
    .toSorted((a, b) => a.ts - b.ts)
    .slice(0, Number(args[4]));
}
