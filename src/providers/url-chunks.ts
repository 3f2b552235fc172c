/**
 * Longest URL of a first page, bytes: Alpaca answers 414 (HTML) to several hundred symbols, others
 * were refused at 2,000 characters (Lean.DataSource.Polygon issue 32).
 */
export const MAX_URL_BYTES = 1_800;

/**
 * Cuts symbols, in their order, into chunks of at most `maxSymbols` whose URL stays within
 * `MAX_URL_BYTES` less what is kept free for a page token. A symbol that is too long alone still
 * makes a chunk.
 */
export function chunkByUrl(
  symbols: readonly string[],
  urlOf: (chunk: readonly string[]) => string,
  maxSymbols: number,
  reservedBytes = 0,
): string[][] {
  const emptyBytes = urlOf([]).length;
  const room = MAX_URL_BYTES - reservedBytes - emptyBytes;
  // What a second symbol adds is its separator and itself.
  const separatorBytes = urlOf(["A", "A"]).length - urlOf(["A"]).length - 1;
  const chunks: string[][] = [];
  let used = 0;
  for (const symbol of symbols) {
    const bytes = urlOf([symbol]).length - emptyBytes + separatorBytes;
    const chunk = chunks.at(-1);
    if (chunk === undefined || used + bytes > room || chunk.length >= maxSymbols) {
      chunks.push([symbol]);
      used = bytes;
    } else {
      chunk.push(symbol);
      used += bytes;
    }
  }
  return chunks;
}
