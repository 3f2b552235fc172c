import { BadRequest } from "./bad-request.ts";
import type { SandboxEndpoint } from "./endpoint.ts";
import type { MarketSource } from "./market-source.ts";
import { answerAggs } from "./polygon-aggs.ts";
import { answerGrouped } from "./polygon-grouped.ts";
import { answerOptions } from "./polygon-options.ts";
import { answerSnapshot } from "./polygon-snapshot.ts";
import { answerSplits } from "./polygon-splits.ts";
import { answerTickers } from "./polygon-tickers.ts";
import { answerUpcoming } from "./polygon-upcoming.ts";
import type { RateWindow } from "./rate-window.ts";
import { refuse } from "./refusal.ts";
import { jsonReply, textReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

/** What the sandbox needs to answer as Polygon. */
export interface PolygonAccount {
  readonly apiKey: string;
  /** Base of `next_url`. */
  readonly baseUrl: () => string;
  readonly nextRequestId: () => string;
  readonly rate: RateWindow;
}

/** An error body of Polygon; 401 and 400 carry the text in `error`. */
function polygonError(status: number, text: string, requestId: string): Reply {
  const body = JSON.stringify({ status: "ERROR", request_id: requestId, error: text });
  return jsonReply(status, body, { "x-request-id": requestId });
}

function answer(
  url: URL,
  endpoint: SandboxEndpoint | null,
  source: MarketSource,
  baseUrl: string,
  requestId: string,
): Reply {
  if (endpoint === "quotes_l1") return answerSnapshot(url, source, baseUrl, requestId);
  if (endpoint === "symbols") return answerTickers(url, source, baseUrl, requestId);
  if (endpoint === "splits") return answerSplits(url, source, baseUrl, requestId);
  if (endpoint === "options") return answerOptions(url, source, baseUrl, requestId);
  if (endpoint === "calendar") return answerUpcoming(source, requestId);
  return (
    answerAggs(url, source, baseUrl, requestId) ??
    answerGrouped(url, source, requestId) ??
    textReply(404, "404 page not found")
  );
}

/**
 * Polygon (Massive): aggregates of one ticker, the grouped day, snapshots, option chains, reference tickers, splits and
 * holidays; key as
 * Bearer token or `apiKey`. Errors: 401 `Unknown API Key`, 400 with `error`, 404 as plain text, 429
 * without a header that says when to come back.
 */
export function answerPolygon(
  request: SandboxRequest,
  endpoint: SandboxEndpoint | null,
  source: MarketSource,
  account: PolygonAccount,
): Reply {
  const requestId = account.nextRequestId();
  const bearer = /^Bearer (.+)$/.exec(headerOf(request, "authorization") ?? "")?.[1];
  const key = bearer ?? request.url.searchParams.get("apiKey");
  if (key === null) return polygonError(401, "API Key was not provided", requestId);
  if (key !== account.apiKey) return polygonError(401, "Unknown API Key", requestId);
  if (!account.rate.take().isGranted) {
    const context = { provider: "polygon", isTradingHost: false, rateHeaders: {} } as const;
    return refuse("rate_limited", { ...context, requestId });
  }
  try {
    return answer(request.url, endpoint, source, account.baseUrl(), requestId);
  } catch (error) {
    if (error instanceof BadRequest || error instanceof URIError) {
      return polygonError(400, error.message, requestId);
    }
    throw error;
  }
}
