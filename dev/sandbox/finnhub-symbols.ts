import type { SpelledSymbol } from "../market/symbol-listing.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** Finnhub's words for security types; what it has none for is a common stock. */
const TYPES: Readonly<Record<string, string>> = {
  ETF: "ETP",
  ETN: "ETP",
  ADR: "ADR",
  PREFERRED: "PUBLIC",
  WARRANT: "Equity WRT",
  UNIT: "Unit",
  RIGHT: "Right",
};

function formatSymbol({ spelled, figi, listed }: SpelledSymbol): object {
  return {
    currency: "USD",
    description: listed.name.toUpperCase(),
    displaySymbol: spelled,
    figi,
    isin: null,
    mic: listed.exchange,
    shareClassFIGI: `${figi.slice(0, 3)}S${figi.slice(4)}`,
    symbol: spelled,
    symbol2: "",
    type: TYPES[listed.type] ?? "Common Stock",
  };
}

/** `/stock/symbol?exchange=US`: one array; `mic` keeps one venue. Throws BadRequest. */
export function answerSymbols(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  if (url.searchParams.get("exchange") !== "US") throw new BadRequest("Wrong parameter: exchange");
  const mic = url.searchParams.get("mic");
  const rows = source
    .listing("finnhub")
    .filter(({ listed }) => mic === null || listed.exchange === mic)
    .map(formatSymbol);
  return jsonReply(200, JSON.stringify(rows), { ...headers });
}
