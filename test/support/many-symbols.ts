const LETTERS = 26;

/** So many different canonical symbols: `AAA`, `AAB`, … */
export function manySymbols(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    [index / LETTERS ** 2, index / LETTERS, index]
      .map((value) => String.fromCharCode(65 + (Math.floor(value) % LETTERS)))
      .join(""),
  );
}
