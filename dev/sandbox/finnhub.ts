import { BadRequest } from "./bad-request.ts";
import type { SandboxEndpoint } from "./endpoint.ts";
import { answerCandle } from "./finnhub-candle.ts";
import { answerQuote } from "./finnhub-quote.ts";
import { answerSymbols } from "./finnhub-symbols.ts";
import type { MarketSource } from "./market-source.ts";
import type { RateWindow } from "./rate-window.ts";
import { refuse } from "./refusal.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

/** Token and quota of an account at Finnhub. */
export interface FinnhubAccount {
  /** Undefined: no token is right. */
  readonly token: string | undefined;
  readonly rate: RateWindow;
}

type Headers = Readonly<Record<string, string>>;

function finnhubError(status: number, text: string, headers: Headers = {}): Reply {
  return jsonReply(status, JSON.stringify({ error: text }), { ...headers });
}

function answer(
  url: URL,
  endpoint: SandboxEndpoint | null,
  source: MarketSource,
  headers: Headers,
): Reply {
  switch (endpoint) {
    case "bars_1m":
    case "bars_1d":
      return answerCandle(url, source, headers);
    case "quotes_l1":
      return answerQuote(url, source, headers);
    case "symbols":
      return answerSymbols(url, source, headers);
    case "calendar":
    case "splits":
    case "options":
    case null:
      return finnhubError(404, "endpoint not found", headers);
  }
}

/**
 * Finnhub: candles, quote and symbols, under `/api/v1`; token as `token` or `X-Finnhub-Token`. Errors:
 * 401 for no or another token, 422 for parameters, 429 with `X-Ratelimit-*`.
 */
export function answerFinnhub(
  request: SandboxRequest,
  endpoint: SandboxEndpoint | null,
  source: MarketSource,
  account: FinnhubAccount,
): Reply {
  const token = headerOf(request, "x-finnhub-token") ?? request.url.searchParams.get("token") ?? "";
  if (token === "") return finnhubError(401, "Please use an API key.");
  if (token !== account.token) return finnhubError(401, "Invalid API key");
  const { isGranted, headers } = account.rate.take();
  if (!isGranted) {
    const context = { provider: "finnhub", isTradingHost: false, requestId: "" } as const;
    return refuse("rate_limited", { ...context, rateHeaders: headers });
  }
  try {
    return answer(request.url, endpoint, source, headers);
  } catch (error) {
    if (error instanceof BadRequest) return finnhubError(422, error.message, headers);
    throw error;
  }
}
