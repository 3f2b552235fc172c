import { answerAlpaca, isTradingHost } from "./alpaca.ts";
import type { SandboxProvider, Route } from "./endpoint.ts";
import { isRefusal, isSilent } from "./fault.ts";
import type { Fault } from "./fault.ts";
import { answerFinnhub } from "./finnhub.ts";
import type { MarketSource } from "./market-source.ts";
import { answerPolygon } from "./polygon.ts";
import { createRateWindow } from "./rate-window.ts";
import { refuse } from "./refusal.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import type { SandboxRequest } from "./request.ts";
import { spoil } from "./spoil.ts";
import { spellingOf } from "../market/symbology.ts";

/** The keys that the providers accept; without one a provider refuses every call. */
export interface SandboxKeys {
  readonly alpacaKeyId: string;
  readonly alpacaSecret: string;
  readonly polygonApiKey: string;
  readonly finnhubToken?: string;
  /** The key pair by which calls of Alpaca's API are known to be those of `iex`. */
  readonly iexKeyId?: string;
  readonly iexSecret?: string;
}

/** Calls a minute of market time that a key has. */
export type CallsPerMinute = Readonly<Record<SandboxProvider, number>>;

/** What the providers' answers are made from. */
export interface ProviderAnswersDeps {
  readonly source: MarketSource;
  readonly keys: SandboxKeys;
  readonly callsPerMinute: CallsPerMinute;
  /** Where the sandbox is reached: known only once it listens. */
  readonly baseUrl: () => string;
}

/** Answers a provider's request with a fault or well; null: no answer at all. */
export type ProviderAnswers = (
  route: Route,
  request: SandboxRequest & { readonly method: string | undefined },
  fault: Exclude<Fault, "latency"> | null,
) => Reply | null;

/** Alpaca's trading API has a quota of its own on every plan. */
const TRADING_CALLS_PER_MINUTE = 200;

/** Good answers, each provider in its own dialect. */
function createGoodAnswers(deps: ProviderAnswersDeps, nextRequestId: () => string) {
  const { source, keys, baseUrl } = deps;
  const window = (calls: number) => createRateWindow(calls, source.now);
  const rates = {
    alpaca: window(deps.callsPerMinute.alpaca),
    polygon: window(deps.callsPerMinute.polygon),
    finnhub: window(deps.callsPerMinute.finnhub),
    iex: window(deps.callsPerMinute.iex),
  };
  const alpaca = {
    alpaca: { keyId: keys.alpacaKeyId, secret: keys.alpacaSecret },
    iex: { keyId: keys.iexKeyId ?? "", secret: keys.iexSecret ?? "" },
  };
  const tradingRate = window(TRADING_CALLS_PER_MINUTE);
  const polygon = { apiKey: keys.polygonApiKey, baseUrl, nextRequestId, rate: rates.polygon };
  const finnhub = { token: keys.finnhubToken, rate: rates.finnhub };
  const answer = ({ provider, endpoint }: Route, request: SandboxRequest): Reply => {
    if (provider === "polygon") return answerPolygon(request, endpoint, source, polygon);
    if (provider === "finnhub") return answerFinnhub(request, endpoint, source, finnhub);
    const account = { provider, ...alpaca[provider], rate: rates[provider], tradingRate };
    return answerAlpaca(request, endpoint, source, account);
  };
  return { answer, spentHeaders: (provider: SandboxProvider) => rates[provider].spentHeaders() };
}

/**
 * Sick or well. Refusals and silence come before everything, keys included; what spoils an answer spoils
 * one that was given, so it spends the quota.
 */
export function createProviderAnswers(deps: ProviderAnswersDeps): ProviderAnswers {
  let requestCount = 0;

  function nextRequestId(): string {
    requestCount += 1;
    return requestCount.toString(16).padStart(32, "0");
  }

  const good = createGoodAnswers(deps, nextRequestId);
  return (route, request, fault) => {
    const { provider, endpoint } = route;
    if (fault !== null && isSilent(fault)) return null;
    if (fault !== null && isRefusal(fault)) {
      return refuse(fault, {
        provider,
        isTradingHost: isTradingHost(endpoint) && provider !== "polygon" && provider !== "finnhub",
        requestId: nextRequestId(),
        rateHeaders: good.spentHeaders(provider),
      });
    }
    if (request.method !== "GET") return jsonReply(405, '{"message":"method not allowed"}');
    const reply = good.answer(route, request);
    if (fault === null) return reply;
    const symbols = deps.source.symbols.map(({ symbol }) => spellingOf(provider, symbol));
    return spoil(fault, reply, { url: request.url, baseUrl: deps.baseUrl(), symbols });
  };
}
