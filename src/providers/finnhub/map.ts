import type { Bar } from "../../domain/bar.ts";
import { canonicalSymbol } from "../../domain/canonical-symbol.ts";
import { positiveOrNull, type Quote } from "../../domain/quote.ts";
import { SECOND_MS } from "../../domain/time.ts";
import type { SecurityType, SpelledRow } from "../listed-symbol.ts";
import type { FinnhubBars, FinnhubQuote, FinnhubSymbol } from "./schema.ts";

/** A plain ticker, or class A or B: the forms that are proven for US stocks. */
const PROVEN = /^[A-Z]{1,6}(\.[AB])?$/;

/**
 * Finnhub's symbol of a canonical one: the same text. Null when it can't be mapped and must not be
 * asked: elsewhere Finnhub writes `TICKER.EXCHANGE`, so that `.V` and `.PR` may be Toronto's venture
 * exchange and Prague, and preferreds, warrants, units and rights are not documented.
 */
export function toFinnhubSymbol(symbol: string): string | null {
  return PROVEN.test(symbol) ? symbol : null;
}

/** The canonical symbol of one in Finnhub's US list; null when it has none. */
export function fromFinnhubSymbol(symbol: string): string | null {
  return canonicalSymbol(symbol);
}

/** The rows of an answer in columns; null when the columns differ in length, so none can be trusted. */
export function toBars(symbol: string, answer: FinnhubBars): Bar[] | null {
  if (answer.s === "no_data") return [];
  const { t, o, h, l, c, v } = answer;
  if ([o, h, l, c, v].some((column) => column.length !== t.length)) return null;
  return t.map((seconds, place) =>
    toBar(
      symbol,
      seconds,
      [o, h, l, c, v].map((column) => column[place]),
    ),
  );
}

/**
 * One row of a 1-minute answer.
 * - `t`: START of the minute, unix SECONDS.
 * - `o h l c`: US dollars a share; intraday is raw. 0 is not a value (validation refuses).
 * - `v`: shares; 0 IS a value.
 * - There is no vwap and no number of trades: null.
 */
function toBar(symbol: string, seconds: number, values: readonly (number | undefined)[]): Bar {
  // A number that is not there would be refused as not finite.
  const [open = Number.NaN, high = Number.NaN, low = Number.NaN] = values;
  const [close = Number.NaN, volume = Number.NaN] = values.slice(3);
  const ts = seconds * SECOND_MS;
  return { symbol, ts, open, high, low, close, volume, vwap: null, tradeCount: null };
}

/**
 * A quote: only a last price.
 * - `c`: US dollars a share; 0 is not a value: unknown symbol, or a passing fault (issues 54, 332).
 * - `t`: unix SECONDS of that price; 0 is never.
 * Null when it says nothing. Bid, ask and sizes do not exist here.
 */
export function toQuote(symbol: string, row: FinnhubQuote): Quote | null {
  const last = positiveOrNull(row.c);
  if (last === null || row.t === 0) return null;
  const ts = row.t * SECOND_MS;
  return {
    symbol,
    ts,
    nsOfMs: 0,
    bid: null,
    ask: null,
    bidSize: null,
    askSize: null,
    sizeUnit: null,
    last,
    lastTs: ts,
    venue: null,
    consolidated: false,
    feed: "finnhub",
  };
}

/** Finnhub's type names (its list of security types); an unknown one is OTHER, an empty one null. */
const TYPES: Readonly<Record<string, SecurityType>> = {
  "Common Stock": "COMMON",
  ADR: "ADR",
  ETP: "ETF",
  PUBLIC: "COMMON",
  Preference: "PREFERRED",
  "Equity WRT": "WARRANT",
  Right: "RIGHT",
  Unit: "UNIT",
};

/** A row of the symbol list: no numbers; `mic` is a MIC, `figi` a composite FIGI; "" is unknown. */
export function toSpelledRow(row: FinnhubSymbol): SpelledRow {
  const type = row.type ?? "";
  return {
    listedAs: row.symbol,
    name: textOrNull(row.description),
    exchange: textOrNull(row.mic),
    type: type === "" ? null : (TYPES[type] ?? "OTHER"),
    figi: textOrNull(row.figi),
  };
}

function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === "" ? null : text;
}
