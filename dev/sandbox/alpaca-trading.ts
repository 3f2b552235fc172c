import type { EpochMs } from "../../src/domain/time.ts";
import { formatTradingDate } from "../../src/domain/trading-date.ts";
import { newYorkDayNumber } from "../../src/domain/new-york-time.ts";
import type { SpelledSymbol } from "../market/symbol-listing.ts";
import { BadRequest } from "./bad-request.ts";
import { parseRfc3339OrDate } from "./instants.ts";
import type { RangeEnd } from "./instants.ts";
import type { MarketSource } from "./market-source.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const EXCHANGES: Readonly<Record<string, string>> = {
  XNAS: "NASDAQ",
  XNYS: "NYSE",
  ARCX: "ARCA",
  BATS: "BATS",
  XASE: "AMEX",
};

/** A made-up UUID; the same for the same security. */
function assetId(figi: string): string {
  const hex = Buffer.from(figi).toString("hex").padEnd(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function formatAsset({ spelled, figi, listed }: SpelledSymbol): object {
  return {
    id: assetId(figi),
    class: "us_equity",
    exchange: EXCHANGES[listed.exchange] ?? "NYSE",
    symbol: spelled,
    name: listed.name,
    status: "active",
    tradable: true,
    marginable: true,
    maintenance_margin_requirement: 30,
    shortable: true,
    easy_to_borrow: true,
    fractionable: true,
    attributes: [],
  };
}

/** `/v2/assets`: one array, not paged; `inactive` ones and other classes are none. */
export function answerAssets(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const { searchParams: query } = url;
  const isActive = (query.get("status") ?? "active") === "active";
  const isEquity = (query.get("asset_class") ?? "us_equity") === "us_equity";
  const rows = isActive && isEquity ? source.listing("alpaca").map(formatAsset) : [];
  return jsonReply(200, JSON.stringify(rows), { ...headers });
}

function parseDate(query: URLSearchParams, name: RangeEnd, fallback: EpochMs): EpochMs {
  const text = query.get(name);
  const ms = text === null ? fallback : parseRfc3339OrDate(text, name);
  if (ms === undefined) throw new BadRequest(`invalid ${name}: ${text}`);
  return ms;
}

/** New York wall time as `HH:MM`. */
function wallTime(ms: EpochMs): string {
  return new Date(ms).toLocaleTimeString("en-GB", {
    timeZone: "America/New_York",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** `/v2/calendar`: trading days of a range (default: today), open and close in New York time. */
export function answerCalendar(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const startMs = parseDate(url.searchParams, "start", source.now());
  const endMs = parseDate(url.searchParams, "end", source.now());
  const days = source.tradingDays(startMs, endMs).flatMap((ts) => {
    const date = formatTradingDate(newYorkDayNumber(ts));
    const session = source.calendar.session(date);
    if (session === undefined) return [];
    const compact = (ms: EpochMs) => wallTime(ms).replace(":", "");
    return {
      date,
      open: wallTime(session.openMs),
      close: wallTime(session.closeMs),
      session_open: compact(session.preOpenMs),
      session_close: compact(session.postCloseMs),
    };
  });
  return jsonReply(200, JSON.stringify(days), { ...headers });
}
