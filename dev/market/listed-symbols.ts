import { isCanonicalSymbol } from "../../src/domain/symbol.ts";
import { hash32 } from "./hash.ts";
import type { ListedSymbol } from "./market.ts";

/** Ranked by liquidity. `NA`, `ON`, `E` and `CON` are real tickers that naive parsers lose. */
const WELL_KNOWN: readonly (readonly [symbol: string, name: string, mic: string, type: string])[] =
  [
    ["SPY", "State Street SPDR S&P 500 ETF Trust", "ARCX", "ETF"],
    ["AAPL", "Apple Inc.", "XNAS", "COMMON"],
    ["MSFT", "Microsoft Corporation", "XNAS", "COMMON"],
    ["NVDA", "NVIDIA Corporation", "XNAS", "COMMON"],
    ["QQQ", "Invesco QQQ Trust", "XNAS", "ETF"],
    ["TSLA", "Tesla, Inc.", "XNAS", "COMMON"],
    ["AMZN", "Amazon.com, Inc.", "XNAS", "COMMON"],
    ["GOOGL", "Alphabet Inc. Class A", "XNAS", "COMMON"],
    ["META", "Meta Platforms, Inc.", "XNAS", "COMMON"],
    ["BRK.B", "Berkshire Hathaway Inc. Class B", "XNYS", "COMMON"],
    ["AMD", "Advanced Micro Devices, Inc.", "XNAS", "COMMON"],
    ["IWM", "iShares Russell 2000 ETF", "ARCX", "ETF"],
    ["JPM", "JPMorgan Chase & Co.", "XNYS", "COMMON"],
    ["ON", "ON Semiconductor Corporation", "XNAS", "COMMON"],
    ["E", "ENI S.p.A.", "XNYS", "ADR"],
    ["CON", "Concentra Group Holdings Parent, Inc.", "XNYS", "COMMON"],
    ["NA", "Nano Labs Ltd", "XNAS", "COMMON"],
  ];

/** From here on some names carry a suffix, so that small universes stay plain. */
const FIRST_SUFFIXED_RANK = 200;
const MAX_SYMBOLS = 100_000;
const MICS = ["XNAS", "XNYS", "ARCX", "BATS", "XASE"] as const;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Suffix, type and share of the names in permille: class shares, warrants, units, preferreds. */
const SUFFIXES = [
  [".A", "COMMON", 8],
  [".B", "COMMON", 8],
  [".WS", "WARRANT", 12],
  [".U", "UNIT", 12],
  [".PRA", "PREFERRED", 10],
  [".PR", "PREFERRED", 2],
] as const;

/** Names do not depend on a market's seed: another seed is another tape of the same universe. */
const NAMES_SEED = 0x5eed;

function rootOf(rank: number, attempt: number): string {
  let hash = hash32(NAMES_SEED, rank, attempt);
  const length = hash % 10 < 3 ? 3 : 4;
  hash >>>= 4;
  let root = "";
  for (let i = 0; i < length; i += 1) {
    root += ALPHABET.charAt(hash % ALPHABET.length);
    hash = Math.floor(hash / ALPHABET.length);
  }
  return root;
}

function suffixOf(rank: number): readonly [suffix: string, type: string] {
  if (rank < FIRST_SUFFIXED_RANK) return ["", "COMMON"];
  let permille = hash32(NAMES_SEED, rank, 1_001) % 1_000;
  for (const [suffix, type, share] of SUFFIXES) {
    if (permille < share) return [suffix, type];
    permille -= share;
  }
  return ["", permille % 3 === 0 ? "ETF" : "COMMON"];
}

/**
 * The first `count` (1 to 100,000) symbols of the synthetic universe, most liquid first: real names
 * that tests and demos use, then generated ones. Canonical and unique; a prefix of a longer list.
 */
export function listSymbols(count: number): readonly ListedSymbol[] {
  if (!Number.isInteger(count) || count < 1 || count > MAX_SYMBOLS) {
    throw new RangeError(`symbols must be 1 to ${MAX_SYMBOLS}, not ${count}`);
  }
  const taken = new Set(WELL_KNOWN.map(([symbol]) => symbol));
  const symbols: ListedSymbol[] = WELL_KNOWN.slice(0, count).map(
    ([symbol, name, exchange, type]) => ({
      symbol,
      name,
      exchange,
      type,
    }),
  );
  for (let rank = symbols.length; rank < count; rank += 1) {
    const [suffix, type] = suffixOf(rank);
    let attempt = 0;
    let symbol = rootOf(rank, attempt) + suffix;
    while (taken.has(symbol) || !isCanonicalSymbol(symbol)) {
      attempt += 1;
      symbol = rootOf(rank, attempt) + suffix;
    }
    taken.add(symbol);
    const exchange = MICS[hash32(NAMES_SEED, rank, 1_002) % MICS.length] ?? "XNAS";
    symbols.push({ symbol, name: `${symbol} Synthetic`, exchange, type });
  }
  return symbols;
}
