import { z } from "zod";
import { toIso } from "../../src/domain/time.ts";
import type { SpelledSymbol } from "../market/symbol-listing.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { cursorParams, cutPage } from "./polygon-cursor.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const querySchema = z.object({
  market: z.string().default("stocks"),
  active: z.enum(["true", "false"]).default("true"),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** Polygon's codes of security types; what it has no code for is a common share. */
const TYPES: Readonly<Record<string, string>> = {
  ETF: "ETF",
  ETN: "ETN",
  ADR: "ADRC",
  PREFERRED: "PFD",
  WARRANT: "WARRANT",
  UNIT: "UNIT",
  RIGHT: "RIGHT",
  NOTE: "SP",
};

function formatTicker({ spelled, figi, listed }: SpelledSymbol, updated: string): object {
  return {
    ticker: spelled,
    name: listed.name,
    market: "stocks",
    locale: "us",
    primary_exchange: listed.exchange,
    type: TYPES[listed.type] ?? "CS",
    active: true,
    currency_name: "usd",
    composite_figi: figi,
    last_updated_utc: updated,
  };
}

/**
 * `/v3/reference/tickers`, paged by `next_url`, in the listing's own order: the sandbox does not sort, so
 * that callers do not lean on it. Throws BadRequest.
 */
export function answerTickers(
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
  const { market, active, limit } = query.data;
  const listed = market === "stocks" && active === "true" ? source.listing("polygon") : [];
  const { rows, nextUrl } = cutPage(listed, limit, url, baseUrl);
  const updated = `${toIso(source.now()).slice(0, 10)}T00:00:00Z`;
  const body = {
    results: rows.map((row) => formatTicker(row, updated)),
    status: "OK",
    request_id: requestId,
    count: rows.length,
    ...(nextUrl === null ? {} : { next_url: nextUrl }),
  };
  return jsonReply(200, JSON.stringify(body), { "x-request-id": requestId });
}
