import { z } from "zod";
import { newYorkDayMs, newYorkDayNumber } from "../../src/domain/new-york-time.ts";
import { type MarketOption, optionChainOf } from "../market/option-chain.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { cursorParams, cutPage } from "./polygon-cursor.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const PREFIX = "/v3/snapshot/options/";
const querySchema = z.object({
  "expiration_date.gte": z.iso.date().default("0000-01-01"),
  "expiration_date.lte": z.iso.date().default("9999-12-31"),
  limit: z.coerce.number().int().min(1).max(250).default(10),
});
/** A contract so far out of the money has no greeks, and its volatility is not told. */
const MIN_DELTA = 0.02;

/** As recorded rows are: what did not trade today still shows its last day, a week ago here. */
function formatOption(option: MarketOption, ticker: string, price: number, midnightMs: number) {
  const { kind, expiry, strike, volume, openInterest, iv, delta } = option;
  const lastMs = volume > 0 ? midnightMs : midnightMs - 7 * 86_400_000;
  const isPriced = Math.abs(delta) >= MIN_DELTA;
  return {
    day: { volume: Math.max(1, volume), last_updated: lastMs * 1_000_000 },
    details: {
      contract_type: kind,
      exercise_style: "american",
      expiration_date: expiry,
      shares_per_contract: 100,
      strike_price: strike,
    },
    greeks: isPriced ? { delta } : {},
    ...(isPriced ? { implied_volatility: iv } : {}),
    open_interest: openInterest,
    underlying_asset: { price, ticker },
  };
}

/**
 * `/v3/snapshot/options/{underlying}`: the chain as it stands, paged by `next_url`. An underlying without a
 * price is 200 without rows. Throws BadRequest.
 */
export function answerOptions(
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
  const ticker = decodeURIComponent(url.pathname.slice(PREFIX.length));
  const { rows, price, midnightMs } = chainNow(ticker, source);
  const { "expiration_date.gte": from, "expiration_date.lte": through, limit } = query.data;
  const asked = rows.filter(({ expiry }) => expiry >= from && expiry <= through);
  const page = cutPage(asked, limit, url, baseUrl);
  const body = {
    results: page.rows.map((row) => formatOption(row, ticker, price, midnightMs)),
    status: "OK",
    request_id: requestId,
    ...(page.nextUrl === null ? {} : { next_url: page.nextUrl }),
  };
  return jsonReply(200, JSON.stringify(body), { "x-request-id": requestId });
}

/** Volumes are of the last session that has opened, at the price of its regular hours. */
function chainNow(ticker: string, source: MarketSource) {
  const nowMs = source.now();
  const session = source.calendar.previousSession(nowMs);
  const day = newYorkDayNumber(session.openMs);
  const midnightMs = newYorkDayMs(day, 0);
  const symbol = source.traded("polygon", ticker);
  const atMs = Math.min(nowMs, session.closeMs - 1_000);
  const quote = symbol === undefined ? undefined : source.quote(symbol, "sip", atMs);
  if (symbol === undefined || quote === undefined) return { rows: [], price: 0, midnightMs };
  const price = Math.round(((quote.bid + quote.ask) / 2) * 100) / 100;
  return { rows: optionChainOf(symbol, day, price), price, midnightMs };
}
