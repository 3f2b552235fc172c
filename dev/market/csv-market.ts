import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { tradingDateOf } from "../../src/domain/new-york-time.ts";
import { isCanonicalSymbol } from "../../src/domain/symbol.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { csvDailyBar, csvQuotedName } from "./csv-day.ts";
import type { Series } from "./csv-day.ts";
import type { ListedSymbol, Market, MarketBar } from "./market.ts";
import { createQuoteBook } from "./quote-book.ts";
import { createSessionLookup } from "./session-minutes.ts";

/** A replay of real bars: the minutes that the file has, and none else; days and quotes are made up. */
export interface CsvMarket extends Market {
  /** New York dates on which the file has a bar, ascending. */
  readonly dates: readonly TradingDate[];
  /** Bars in the file. */
  readonly barCount: number;
}

const HEADER = "symbol,t_utc,o,h,l,c,v";
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z$/;
const DECIMAL = /^\d+(\.\d+)?$/;
/** A year of the whole market does not fit in memory; a file for tests has some ten thousand rows. */
const MAX_ROWS = 5_000_000;
/** ISO 10383 code of "no market": the files do not say where a symbol is listed. */
const UNKNOWN_MIC = "XXXX";

interface Row {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly bar: MarketBar;
}

function parseDecimal(text: string, name: string): number {
  if (!DECIMAL.test(text)) throw new Error(`${name} is not a decimal number: "${text}"`);
  return Number(text);
}

/** Everything is text until proven a number: `NA`, `NAN` and `ON` are symbols. */
function parseRow(line: string): Row {
  const [symbol, instant, o, h, l, c, v, ...rest] = line.split(",");
  if (v === undefined || rest.length > 0) throw new Error("not 7 fields");
  if (symbol === undefined || !isCanonicalSymbol(symbol))
    throw new Error(`not a symbol: "${symbol}"`);
  const ts = instant !== undefined && INSTANT.test(instant) ? Date.parse(instant) : Number.NaN;
  if (Number.isNaN(ts)) throw new Error(`t_utc is not a minute in UTC: "${instant}"`);
  const bar = {
    o: parseDecimal(o ?? "", "o"),
    h: parseDecimal(h ?? "", "h"),
    l: parseDecimal(l ?? "", "l"),
    c: parseDecimal(c ?? "", "c"),
    v: parseDecimal(v, "v"),
  };
  const isInside = bar.l > 0 && bar.l <= Math.min(bar.o, bar.c) && Math.max(bar.o, bar.c) <= bar.h;
  if (!isInside) throw new Error("low <= open, close <= high does not hold");
  return { symbol, ts, bar };
}

function readText(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

function listed(symbol: string): ListedSymbol {
  return { symbol, name: symbol, exchange: UNKNOWN_MIC, type: "COMMON" };
}

/** Daily bars and quotes, which the file does not have: made from its minutes. */
function createDays(
  bySymbol: ReadonlyMap<string, Series>,
  dates: readonly TradingDate[],
): Pick<Market, "dailyBar" | "quote"> {
  const sessionOn = createSessionLookup();
  const quotes = createQuoteBook(sessionOn);
  return {
    dailyBar: (symbol, date) => {
      const series = bySymbol.get(symbol);
      if (series === undefined || sessionOn(parseTradingDate(date) * DAY_MS) === undefined) {
        return undefined;
      }
      return csvDailyBar(symbol, series, dates, date);
    },
    quote: (symbol, atMs) => {
      const series = bySymbol.get(symbol);
      return series === undefined ? undefined : quotes(csvQuotedName(symbol, series), atMs);
    },
  };
}

/**
 * Read a file of real 1-minute bars (`symbol,t_utc,o,h,l,c,v`, also gzipped; `t_utc` is the START).
 * The bars have no vwap and no trade count. Throws with the line's number for a malformed line or a
 * bar that comes twice: a replay must not quietly differ from its file.
 */
export function loadCsvMarket(file: string): CsvMarket {
  const lines = readText(file).split(/\r?\n/);
  if (lines[0] !== HEADER) throw new Error(`${file}: line 1: the header is not ${HEADER}`);
  if (lines.length > MAX_ROWS) throw new Error(`${file}: more than ${MAX_ROWS} lines`);
  const bySymbol = new Map<string, Map<EpochMs, MarketBar>>();
  const minutes = new Set<EpochMs>();
  let barCount = 0;
  for (const [index, line] of lines.entries()) {
    if (index === 0 || (line === "" && index === lines.length - 1)) continue;
    try {
      const { symbol, ts, bar } = parseRow(line);
      const series = bySymbol.get(symbol) ?? new Map<EpochMs, MarketBar>();
      if (series.has(ts)) throw new Error(`a second bar of ${symbol} for that minute`);
      bySymbol.set(symbol, series.set(ts, bar));
      minutes.add(ts);
      barCount += 1;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${file}: line ${index + 1}: ${reason}`, { cause: error });
    }
  }
  const dates = [...new Set([...minutes].map(tradingDateOf))].sort();
  return {
    symbols: [...bySymbol.keys()].sort().map(listed),
    // The file does not say; a split within it shows in its bars only.
    splits: [],
    dates,
    barCount,
    bar: (symbol, ts) => bySymbol.get(symbol)?.get(ts),
    ...createDays(bySymbol, dates),
  };
}
