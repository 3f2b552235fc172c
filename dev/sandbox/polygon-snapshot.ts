import { z } from "zod";
import { createCalendar } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketQuote } from "../market/market.ts";
import { spellingOf } from "../market/symbology.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { cursorParams, cutPage } from "./polygon-cursor.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const MAX_TICKERS = 250;
/** The default is as small as the real one: who forgets `limit` gets ten. */
const querySchema = z.object({
  "ticker.any_of": z.string().optional(),
  type: z.literal("stocks").optional(),
  limit: z.coerce.number().int().min(1).max(MAX_TICKERS).default(10),
});

const SHARES_A_LOT = 100;
/** Nanoseconds do not fit a double: they are written as text behind the milliseconds. */
const NANOSECONDS_OF_MS = "000000";

/** A row as JSON text. Sizes in round lots, times in ns; a side that nobody quotes is 0. */
function formatRow(ticker: string, name: string, status: string, quote: MarketQuote): string {
  const hasBoth = quote.bid > 0 && quote.ask > 0;
  const midpoint = hasBoth ? Math.round((quote.bid + quote.ask) * 5_000) / 10_000 : 0;
  const sides =
    `"ask":${quote.ask},"ask_size":${quote.askSize / SHARES_A_LOT},` +
    `"bid":${quote.bid},"bid_size":${quote.bidSize / SHARES_A_LOT}`;
  return (
    `{"ticker":${JSON.stringify(ticker)},"type":"stocks","name":${JSON.stringify(name)},` +
    `"market_status":"${status}","last_quote":{${sides},"midpoint":${midpoint},` +
    `"last_updated":${quote.at}${NANOSECONDS_OF_MS},"timeframe":"REAL-TIME"}}`
  );
}

const calendar = createCalendar();

function marketStatus(nowMs: EpochMs): string {
  const kind = calendar.sessionKind(nowMs);
  const words = { pre: "early_trading", regular: "open", post: "late_trading" } as const;
  return kind === undefined ? "closed" : words[kind];
}

/**
 * `/v3/snapshot` of up to 250 tickers, or of the whole market page by page. A ticker that is not known is
 * a row with `error` in a 200. Throws BadRequest.
 */
export function answerSnapshot(
  url: URL,
  source: MarketSource,
  baseUrl: string,
  requestId: string,
): Reply {
  const query = querySchema.safeParse(Object.fromEntries(cursorParams(url)));
  if (!query.success) {
    const field = String(query.error.issues[0]?.path[0]);
    throw new BadRequest(`Could not parse the parameter: '${field}'.`);
  }
  const asked = query.data["ticker.any_of"]?.split(",").filter((ticker) => ticker !== "");
  if (asked !== undefined && asked.length > MAX_TICKERS) {
    throw new BadRequest(`ticker.any_of takes at most ${MAX_TICKERS} tickers.`);
  }
  const tickers = asked ?? source.symbols.map(({ symbol }) => spellingOf("polygon", symbol));
  const { rows, nextUrl } = cutPage(tickers, query.data.limit, url, baseUrl);
  const nowMs = source.now();
  const status = marketStatus(nowMs);
  const results = rows.map((ticker) => {
    const symbol = source.traded("polygon", ticker);
    const quote = symbol === undefined ? undefined : source.quote(symbol, "sip", nowMs);
    if (symbol === undefined || quote === undefined) {
      return JSON.stringify({ error: "NOT_FOUND", message: "Ticker not found.", ticker });
    }
    return formatRow(ticker, source.nameOf(symbol), status, quote);
  });
  const next = nextUrl === null ? "" : `,"next_url":${JSON.stringify(nextUrl)}`;
  const body = `{"results":[${results.join(",")}],"status":"OK","request_id":"${requestId}"${next}}`;
  return jsonReply(200, body, { "x-request-id": requestId });
}
