import type { SandboxProvider } from "./endpoint.ts";
import type { RefusalFault } from "./fault.ts";
import { htmlReply, jsonReply, textReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** What differs between the providers in a refusal. */
export interface RefusalContext {
  readonly provider: SandboxProvider;
  /** `/v2/assets` and `/v2/calendar` are Alpaca's trading API, which words a 429 in its own way. */
  readonly isTradingHost: boolean;
  readonly requestId: string;
  /** Alpaca's and Finnhub's headers of a spent quota; Polygon sends none. */
  readonly rateHeaders: Readonly<Record<string, string>>;
}

type Words = Readonly<Record<"alpaca" | "polygon" | "finnhub", string>>;

const POLYGON_RATE_TEXT =
  "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. https://polygon.io/pricing";
const POLYGON_PLAN_TEXT =
  "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing";

/** Status and text of each, as recorded or documented. */
const REFUSALS: Readonly<
  Record<Exclude<RefusalFault, "html_502" | "not_json" | "rate_limited_bare">, [number, Words]>
> = {
  down: [
    503,
    {
      alpaca: "service unavailable",
      polygon: "Service Unavailable",
      finnhub: "Service Unavailable",
    },
  ],
  server_error: [
    500,
    {
      alpaca: "internal server error occurred",
      polygon: "Internal Server Error",
      finnhub: "Internal Server Error",
    },
  ],
  rate_limited: [
    429,
    {
      alpaca: "too many requests.",
      polygon: POLYGON_RATE_TEXT,
      finnhub: "API limit reached. Please try again later. Remaining Limit: 0",
    },
  ],
  unauthorized: [
    401,
    { alpaca: "forbidden.", polygon: "Unknown API Key", finnhub: "Invalid API key" },
  ],
  not_entitled: [
    403,
    {
      alpaca: "subscription does not permit querying recent SIP data",
      polygon: POLYGON_PLAN_TEXT,
      finnhub: "You don't have access to this resource.",
    },
  ],
};

function polygonBody(status: number, text: string, requestId: string): object {
  // A refusal by the plan is the one that says its text in `message`.
  return status === 403
    ? { status: "NOT_AUTHORIZED", request_id: requestId, message: text }
    : { status: "ERROR", request_id: requestId, error: text };
}

/** The answer of a provider that refuses, in its own words. Also used for a quota really spent. */
export function refuse(fault: RefusalFault, context: RefusalContext): Reply {
  if (fault === "html_502") return htmlReply(502, "502 Bad Gateway");
  if (fault === "not_json") return htmlReply(200, "Just a moment");
  if (fault === "rate_limited_bare") return textReply(429, "");
  const [status, words] = REFUSALS[fault];
  const { provider, requestId } = context;
  const headers = status === 429 ? { ...context.rateHeaders } : {};
  if (provider === "polygon") {
    const body = JSON.stringify(polygonBody(status, words.polygon, requestId));
    return jsonReply(status, body, { "x-request-id": requestId });
  }
  if (provider === "finnhub") {
    return jsonReply(status, JSON.stringify({ error: words.finnhub }), headers);
  }
  const body =
    status === 429 && context.isTradingHost
      ? { code: 42_910_000, message: "rate limit exceeded" }
      : { message: words.alpaca };
  return jsonReply(status, JSON.stringify(body), headers);
}
