import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";
import { BadRequest } from "./bad-request.ts";
import type { BarsSource } from "./bars-source.ts";
import { parseUnixMsOrDate } from "./instants.ts";
import type { RangeEnd } from "./instants.ts";
import { scanMinutes } from "./minute-scan.ts";
import type { Scan } from "./minute-scan.ts";
import { jsonReply, textReply } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { headerOf } from "./request.ts";
import type { SandboxRequest } from "./request.ts";

const AGGS_PATH = /^\/v2\/aggs\/ticker\/([^/]+)\/range\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** `adjusted` is echoed and changes nothing: the tape has no splits. */
const querySchema = z.object({
  adjusted: z.enum(["true", "false"]).default("true"),
  sort: z.enum(["asc", "desc"]).default("asc"),
  limit: z.coerce.number().int().min(1).max(50_000).default(5_000),
});
type Query = z.infer<typeof querySchema>;

/** What a call asks for; `from` and `to` as they were written. */
interface Ask {
  readonly ticker: string;
  readonly from: string;
  readonly to: string;
  readonly query: Query;
}

/** What the sandbox needs to answer as Polygon: its key, where it is reached, and ids for requests. */
export interface PolygonAccount {
  readonly apiKey: string;
  /** Base of `next_url`. */
  readonly baseUrl: () => string;
  readonly nextRequestId: () => string;
}

/** An error body of Polygon; 401 and 400 carry the text in `error`. */
function polygonError(status: number, text: string, requestId: string): Reply {
  const body = JSON.stringify({ status: "ERROR", request_id: requestId, error: text });
  return jsonReply(status, body, { "x-request-id": requestId });
}

/** A cursor (base64 of `limit=2&sort=asc`) stands for the whole query; the path of a `next_url` already begins at the next bar. */
function parseQuery(url: URL): Query {
  const cursor = url.searchParams.get("cursor");
  const params =
    cursor === null
      ? url.searchParams
      : new URLSearchParams(Buffer.from(cursor, "base64").toString("utf8"));
  const parsed = querySchema.safeParse(Object.fromEntries(params));
  if (parsed.success) return parsed.data;
  throw new BadRequest(
    `Could not parse the parameter: '${String(parsed.error.issues[0]?.path[0])}'.`,
  );
}

function parseTime(text: string, name: "from" | "to"): number {
  const rangeEnd: RangeEnd = name === "from" ? "start" : "end";
  const ms = parseUnixMsOrDate(text, rangeEnd);
  if (ms !== undefined) return ms;
  throw new BadRequest(
    `Could not parse the time parameter: '${name}'. Use YYYY-MM-DD or Unix MS Timestamps`,
  );
}

function formatBar(ts: number, bar: MarketBar): string {
  const weighted = bar.vw === undefined ? "" : `,"vw":${bar.vw}`;
  const counted = bar.n === undefined ? "" : `,"n":${bar.n}`;
  return `{"v":${bar.v}${weighted},"o":${bar.o},"c":${bar.c},"h":${bar.h},"l":${bar.l},"t":${ts}${counted}}`;
}

/** The rest of the range, under a cursor that carries the query; nothing when there is none. */
function nextUrlMember(baseUrl: string, ask: Ask, nextTs: EpochMs | undefined): string {
  if (nextTs === undefined) return "";
  const { query } = ask;
  const range = query.sort === "asc" ? `${nextTs}/${ask.to}` : `${ask.from}/${nextTs}`;
  const text = `adjusted=${query.adjusted}&limit=${query.limit}&sort=${query.sort}`;
  const cursor = encodeURIComponent(Buffer.from(text).toString("base64"));
  const path = `/v2/aggs/ticker/${encodeURIComponent(ask.ticker)}/range/1/minute/${range}`;
  return `,"next_url":${JSON.stringify(`${baseUrl}${path}?cursor=${cursor}`)}`;
}

/** Undefined when the path is none of ours. */
function parseAsk(url: URL): Ask | undefined {
  const [, ticker, multiplier, timespan, from, to] = AGGS_PATH.exec(url.pathname) ?? [];
  if (ticker === undefined || from === undefined || to === undefined) return undefined;
  if (multiplier !== "1" || timespan !== "minute") {
    throw new BadRequest("The sandbox serves range/1/minute only.");
  }
  return { ticker: decodeURIComponent(ticker), from, to, query: parseQuery(url) };
}

function toScan({ ticker, from, to, query }: Ask, source: BarsSource): Scan {
  const startMs = parseTime(from, "from");
  const endMs = parseTime(to, "to");
  if (endMs < startMs) {
    throw new BadRequest("The parameter 'to' cannot be a time that occurs before 'from'");
  }
  return {
    symbols: source.isListed(ticker) ? [ticker] : [],
    startMs,
    endMs: Math.min(endMs, source.now()),
    order: query.sort,
    limit: query.limit,
    from: null,
  };
}

function answerAggs(url: URL, source: BarsSource, baseUrl: string, requestId: string): Reply {
  const ask = parseAsk(url);
  if (ask === undefined) return textReply(404, "404 page not found");
  const results: string[] = [];
  const next = scanMinutes(
    toScan(ask, source),
    source.lookUpNow("polygon", "sip"),
    (_symbol, ts, bar) => results.push(formatBar(ts, bar)),
  );
  const count = results.length;
  // `results` is absent, not [], when there are none: recorded and in the published schema.
  const list = count === 0 ? "" : `"results":[${results.join(",")}],`;
  const body =
    `{"ticker":${JSON.stringify(ask.ticker)},"queryCount":${count},"resultsCount":${count},` +
    `"adjusted":${ask.query.adjusted},${list}"status":"OK","request_id":"${requestId}",` +
    `"count":${count}${nextUrlMember(baseUrl, ask, next?.ts)}}`;
  return jsonReply(200, body, { "x-request-id": requestId });
}

/**
 * Polygon (Massive) aggregates of one ticker, 1-minute only; key as Bearer token or `apiKey`.
 * Errors: 401 `Unknown API Key`, 400 with `error`, 404 as plain text.
 */
export function answerPolygon(
  request: SandboxRequest,
  source: BarsSource,
  account: PolygonAccount,
): Reply {
  const requestId = account.nextRequestId();
  const bearer = /^Bearer (.+)$/.exec(headerOf(request, "authorization") ?? "")?.[1];
  const key = bearer ?? request.url.searchParams.get("apiKey");
  if (key === null) return polygonError(401, "API Key was not provided", requestId);
  if (key !== account.apiKey) return polygonError(401, "Unknown API Key", requestId);
  try {
    return answerAggs(request.url, source, account.baseUrl(), requestId);
  } catch (error) {
    if (error instanceof BadRequest || error instanceof URIError) {
      return polygonError(400, error.message, requestId);
    }
    throw error;
  }
}
