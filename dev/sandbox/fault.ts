import { z } from "zod";
import { htmlReply, jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** The providers whose dialect the sandbox speaks. */
export const SANDBOX_PROVIDERS = ["alpaca", "polygon"] as const;
export type SandboxProvider = (typeof SANDBOX_PROVIDERS)[number];

/**
 * Ways in which a provider can be made sick, for all its endpoints at once:
 * - `down`: 503 with a JSON error; `html_502`: a gateway's page
 * - `hang`: the request is read and never answered
 * - `rate_limited`: 429 with the provider's own body and headers
 * - `not_json`: 200 with a page; `bad_schema`: 200 with text where numbers belong
 * - `empty_200`: a well-formed answer that says "no bars", which is the hardest to tell from the truth
 */
export const faultSchema = z.enum([
  "down",
  "html_502",
  "hang",
  "rate_limited",
  "not_json",
  "bad_schema",
  "empty_200",
]);
export type Fault = z.infer<typeof faultSchema>;

/** What differs between the providers in a sick answer. */
export interface FaultContext {
  readonly provider: SandboxProvider;
  readonly url: URL;
  readonly requestId: string;
  /** Alpaca's headers of a spent quota; Polygon sends none. */
  readonly rateHeaders: Readonly<Record<string, string>>;
}

const POLYGON_RATE_TEXT =
  "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. https://polygon.io/pricing";

function errorReply(
  context: FaultContext,
  status: number,
  alpacaText: string,
  polygonText: string,
): Reply {
  if (context.provider === "alpaca") {
    const headers = status === 429 ? context.rateHeaders : {};
    return jsonReply(status, JSON.stringify({ message: alpacaText }), { ...headers });
  }
  const body = { status: "ERROR", request_id: context.requestId, error: polygonText };
  return jsonReply(status, JSON.stringify(body), { "x-request-id": context.requestId });
}

function polygonBody(context: FaultContext, results: readonly object[]): string {
  const count = results.length;
  return JSON.stringify({
    ticker: context.url.pathname.split("/")[4] ?? "",
    queryCount: count,
    resultsCount: count,
    adjusted: context.url.searchParams.get("adjusted") !== "false",
    ...(count === 0 ? {} : { results }),
    status: "OK",
    request_id: context.requestId,
    count,
  });
}

function badSchemaReply(context: FaultContext): Reply {
  const prices = { o: "101.5", h: "101.9", l: "101.1", c: "101.7", v: "1200" };
  if (context.provider === "polygon") {
    return jsonReply(200, polygonBody(context, [{ ...prices, t: "1774013400000" }]));
  }
  const symbol = context.url.searchParams.get("symbols")?.split(",")[0] ?? "AAPL";
  const bars = { [symbol]: [{ t: 1_774_013_400, ...prices }] };
  return jsonReply(200, JSON.stringify({ bars, next_page_token: null }));
}

/** The answer of a sick provider; null when it gives none at all. */
export function faultReply(fault: Fault, context: FaultContext): Reply | null {
  switch (fault) {
    case "hang":
      return null;
    case "down":
      return errorReply(context, 503, "service unavailable", "Service Unavailable");
    case "html_502":
      return htmlReply(502, "502 Bad Gateway");
    case "rate_limited":
      return errorReply(context, 429, "too many requests.", POLYGON_RATE_TEXT);
    case "not_json":
      return htmlReply(200, "Just a moment");
    case "bad_schema":
      return badSchemaReply(context);
    case "empty_200":
      return context.provider === "polygon"
        ? jsonReply(200, polygonBody(context, []))
        : jsonReply(200, '{"bars":{},"next_page_token":null}');
  }
}
