import { answerBars } from "./alpaca-bars.ts";
import { answerLatestQuotes } from "./alpaca-quotes.ts";
import { answerAssets, answerCalendar } from "./alpaca-trading.ts";
import { BadRequest } from "./bad-request.ts";
import type { SandboxEndpoint, SandboxProvider } from "./endpoint.ts";
import type { MarketSource } from "./market-source.ts";
import type { RateWindow } from "./rate-window.ts";
import { refuse } from "./refusal.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

/** The key pair and quotas of an account of Alpaca's API; `iex` has one of its own. */
export interface AlpacaAccount {
  readonly provider: Extract<SandboxProvider, "alpaca" | "iex">;
  readonly keyId: string;
  readonly secret: string;
  /** The data host's quota and the trading host's: two hosts of the real API. */
  readonly rate: RateWindow;
  readonly tradingRate: RateWindow;
}

type Headers = Readonly<Record<string, string>>;

function message(status: number, text: string, headers: Headers = {}): Reply {
  return jsonReply(status, JSON.stringify({ message: text }), { ...headers });
}

/** Whether the endpoint is one of Alpaca's trading API, which is another host with another quota. */
export function isTradingHost(endpoint: SandboxEndpoint | null): boolean {
  return endpoint === "symbols" || endpoint === "calendar";
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
      return answerBars(url, source, headers);
    case "quotes_l1":
      return answerLatestQuotes(url, source, headers);
    case "symbols":
      return answerAssets(url, source, headers);
    case "calendar":
      return answerCalendar(url, source, headers);
    case "splits":
    case "options":
    case null:
      return message(404, "endpoint not found.", headers);
  }
}

/**
 * Alpaca: market data v2 and, from the same server, the assets and calendar of its trading API.
 * Errors as documented: 401 `forbidden.`, 400 `invalid …: …`, 429 `too many requests.`
 */
export function answerAlpaca(
  request: SandboxRequest,
  endpoint: SandboxEndpoint | null,
  source: MarketSource,
  account: AlpacaAccount,
): Reply {
  const isKeyKnown = headerOf(request, "apca-api-key-id") === account.keyId;
  const isSecretRight = headerOf(request, "apca-api-secret-key") === account.secret;
  if (!isKeyKnown || !isSecretRight) return message(401, "forbidden.");
  const isTrading = isTradingHost(endpoint);
  const { isGranted, headers } = (isTrading ? account.tradingRate : account.rate).take();
  if (!isGranted) {
    const { provider } = account;
    const context = { provider, isTradingHost: isTrading, requestId: "", rateHeaders: headers };
    return refuse("rate_limited", context);
  }
  try {
    return answer(request.url, endpoint, source, headers);
  } catch (error) {
    if (error instanceof BadRequest || error instanceof URIError) {
      return message(400, error.message, headers);
    }
    throw error;
  }
}
