import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";
import { encodePageToken } from "./alpaca-page-token.ts";
import { parseBarsQuery } from "./alpaca-query.ts";
import type { BarsQuery } from "./alpaca-query.ts";
import { BadRequest } from "./bad-request.ts";
import type { BarsSource } from "./bars-source.ts";
import { scanMinutes } from "./minute-scan.ts";
import type { ScanPlace } from "./minute-scan.ts";
import type { RateWindow } from "./rate-window.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

const SINGLE_PATH = /^\/v2\/stocks\/([^/]+)\/bars$/;
const MULTI_PATH = "/v2/stocks/bars";

/** The key pair and quota of the account that the sandbox knows. */
export interface AlpacaAccount {
  readonly keyId: string;
  readonly secret: string;
  readonly rate: RateWindow;
}

function message(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return jsonReply(status, JSON.stringify({ message: text }), { ...headers });
}

function formatBar(time: string, bar: MarketBar): string {
  const counted = bar.n === undefined ? "" : `,"n":${bar.n}`;
  const weighted = bar.vw === undefined ? "" : `,"vw":${bar.vw}`;
  return `{"t":"${time}","o":${bar.o},"h":${bar.h},"l":${bar.l},"c":${bar.c},"v":${bar.v}${counted}${weighted}}`;
}

/** The page's bars as JSON text per symbol, and where the next page begins. */
function readPage(
  { feed, scan }: BarsQuery,
  source: BarsSource,
): { bars: Map<string, string[]>; next: ScanPlace | null } {
  const bars = new Map<string, string[]>();
  // Many symbols share a minute: its text is made once.
  const times = new Map<EpochMs, string>();
  const next = scanMinutes(scan, source.lookUpNow("alpaca", feed), (symbol, ts, bar) => {
    let time = times.get(ts);
    if (time === undefined) times.set(ts, (time = `${new Date(ts).toISOString().slice(0, 19)}Z`));
    let series = bars.get(symbol);
    if (series === undefined) bars.set(symbol, (series = []));
    series.push(formatBar(time, bar));
  });
  return { bars, next };
}

function answerBars(
  url: URL,
  source: BarsSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const inPath = SINGLE_PATH.exec(url.pathname)?.[1];
  if (inPath === undefined && url.pathname !== MULTI_PATH) {
    return message(404, "endpoint not found.", headers);
  }
  const single = inPath === undefined ? undefined : decodeURIComponent(inPath);
  const { bars, next } = readPage(parseBarsQuery(url, single, source), source);
  const token = next === null ? "null" : `"${encodePageToken(next)}"`;
  if (single !== undefined) {
    const series = bars.get(single) ?? [];
    const body = `{"bars":[${series.join(",")}],"symbol":"${single}","next_page_token":${token}}`;
    return jsonReply(200, body, { ...headers });
  }
  const members = [...bars].map(([symbol, series]) => `"${symbol}":[${series.join(",")}]`);
  return jsonReply(200, `{"bars":{${members.join(",")}},"next_page_token":${token}}`, {
    ...headers,
  });
}

/**
 * Alpaca Market Data v2: historical bars of one or several symbols, 1-minute only.
 * Errors as documented: 401 `forbidden.`, 400 `invalid …: …`, 429 `too many requests.`
 */
export function answerAlpaca(
  request: SandboxRequest,
  source: BarsSource,
  account: AlpacaAccount,
): Reply {
  const isKeyKnown = headerOf(request, "apca-api-key-id") === account.keyId;
  const isSecretRight = headerOf(request, "apca-api-secret-key") === account.secret;
  if (!isKeyKnown || !isSecretRight) return message(401, "forbidden.");
  const { isGranted, headers } = account.rate.take();
  if (!isGranted) return message(429, "too many requests.", headers);
  try {
    return answerBars(request.url, source, headers);
  } catch (error) {
    if (error instanceof BadRequest || error instanceof URIError) {
      return message(400, error.message, headers);
    }
    throw error;
  }
}
