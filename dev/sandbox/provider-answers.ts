import type { IncomingMessage } from "node:http";
import { answerAlpaca } from "./alpaca-bars.ts";
import type { BarsSource } from "./bars-source.ts";
import { faultReply } from "./fault.ts";
import type { Fault, SandboxProvider } from "./fault.ts";
import { answerPolygon } from "./polygon-aggs.ts";
import { createRateWindow } from "./rate-window.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** The keys that the sandbox's two providers accept. */
export interface SandboxKeys {
  readonly alpacaKeyId: string;
  readonly alpacaSecret: string;
  readonly polygonApiKey: string;
}

/** What the providers' answers are made from. */
export interface ProviderAnswersDeps {
  readonly source: BarsSource;
  readonly keys: SandboxKeys;
  readonly alpacaCallsPerMinute: number;
  /** Where the sandbox is reached: known only once it listens. */
  readonly baseUrl: () => string;
  readonly faultOf: (provider: SandboxProvider) => Fault | undefined;
}

/** Answers a provider's request; null: no answer at all. */
export type ProviderAnswers = (
  provider: SandboxProvider,
  url: URL,
  request: IncomingMessage,
) => Reply | null;

/** Sick or well, each provider in its own dialect. A fault comes before everything, keys included. */
export function createProviderAnswers(deps: ProviderAnswersDeps): ProviderAnswers {
  const { source, keys, baseUrl } = deps;
  const rate = createRateWindow(deps.alpacaCallsPerMinute, source.now);
  const alpaca = { keyId: keys.alpacaKeyId, secret: keys.alpacaSecret, rate };
  const polygon = { apiKey: keys.polygonApiKey, baseUrl, nextRequestId };
  let requestCount = 0;

  function nextRequestId(): string {
    requestCount += 1;
    return requestCount.toString(16).padStart(32, "0");
  }

  return (provider, url, request) => {
    const fault = deps.faultOf(provider);
    if (fault !== undefined) {
      const rateHeaders = rate.spentHeaders();
      return faultReply(fault, { provider, url, requestId: nextRequestId(), rateHeaders });
    }
    if (request.method !== "GET") return jsonReply(405, '{"message":"method not allowed"}');
    const call = { url, headers: request.headers };
    return provider === "alpaca"
      ? answerAlpaca(call, source, alpaca)
      : answerPolygon(call, source, polygon);
  };
}
