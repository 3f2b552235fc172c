import { CAPABILITIES } from "../../src/domain/provider-id.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

/** The providers whose dialect the sandbox speaks; `iex` is Alpaca's API under its own key. */
export const SANDBOX_PROVIDERS = ["alpaca", "polygon", "finnhub", "iex"] as const;
export type SandboxProvider = (typeof SANDBOX_PROVIDERS)[number];

/** What a call asks for, in one vocabulary for all providers: what a fault can be limited to. */
export const SANDBOX_ENDPOINTS = [
  ...CAPABILITIES,
  "symbols",
  "calendar",
  "splits",
  "options",
] as const;
export type SandboxEndpoint = (typeof SANDBOX_ENDPOINTS)[number];

/** Whose API a call is for; `endpoint` is null where the provider has no such path. */
export interface Route {
  readonly provider: SandboxProvider;
  readonly endpoint: SandboxEndpoint | null;
}

type Match = (url: URL) => boolean;
const isDaily: Match = ({ searchParams: query }) =>
  ["1Day", "1D"].includes(query.get("timeframe") ?? "") || query.get("resolution") === "D";

/** First match wins. A null endpoint ends a provider's prefix. */
const ROUTES: readonly (readonly [
  path: RegExp,
  provider: SandboxProvider,
  endpoint: SandboxEndpoint | null,
  only?: Match,
])[] = [
  [/^\/v2\/stocks\/([^/]+\/)?bars$/, "alpaca", "bars_1d", isDaily],
  [/^\/v2\/stocks\/([^/]+\/)?bars$/, "alpaca", "bars_1m"],
  [/^\/v2\/stocks\/quotes\/latest$/, "alpaca", "quotes_l1"],
  [/^\/v2\/assets$/, "alpaca", "symbols"],
  [/^\/v2\/calendar$/, "alpaca", "calendar"],
  [/^\/v2\/stocks\//, "alpaca", null],
  [/^\/v2\/aggs\/grouped\//, "polygon", "bars_1d"],
  [/^\/v2\/aggs\/ticker\/[^/]+\/range\/[^/]+\/day\//, "polygon", "bars_1d"],
  [/^\/v2\/aggs\/ticker\/[^/]+\/range\//, "polygon", "bars_1m"],
  [/^\/v3\/snapshot$/, "polygon", "quotes_l1"],
  [/^\/v3\/snapshot\/options\/[^/]+$/, "polygon", "options"],
  [/^\/v3\/reference\/tickers$/, "polygon", "symbols"],
  [/^\/v3\/reference\/splits$/, "polygon", "splits"],
  [/^\/v1\/marketstatus\/upcoming$/, "polygon", "calendar"],
  [/^\/(v2\/aggs|v3)\//, "polygon", null],
  [/^\/api\/v1\/stock\/candle$/, "finnhub", "bars_1d", isDaily],
  [/^\/api\/v1\/stock\/candle$/, "finnhub", "bars_1m"],
  [/^\/api\/v1\/quote$/, "finnhub", "quotes_l1"],
  [/^\/api\/v1\/stock\/symbol$/, "finnhub", "symbols"],
  [/^\/api\/v1\//, "finnhub", null],
];

/** Undefined for a path of none of them. A call of Alpaca's API with `iexKeyId` is one of `iex`. */
export function routeOf(request: SandboxRequest, iexKeyId: string | undefined): Route | undefined {
  const { url } = request;
  const found = ROUTES.find(([path, , , only]) => path.test(url.pathname) && (only?.(url) ?? true));
  if (found === undefined) return undefined;
  const [, provider, endpoint] = found;
  const isIex =
    provider === "alpaca" &&
    iexKeyId !== undefined &&
    headerOf(request, "apca-api-key-id") === iexKeyId;
  return { provider: isIex ? "iex" : provider, endpoint };
}
