import { z } from "zod";
import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";
import { BadRequest } from "./bad-request.ts";
import { scanDays } from "./day-scan.ts";
import { parseUnixMsOrDate } from "./instants.ts";
import type { RangeEnd } from "./instants.ts";
import type { MarketSource } from "./market-source.ts";
import { scanMinutes } from "./minute-scan.ts";
import type { Scan } from "./minute-scan.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

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
  readonly timespan: "minute" | "day";
  readonly from: string;
  readonly to: string;
  readonly query: Query;
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

/** A bar as Polygon writes it; `t` in ms. A grouped row names its ticker too. */
export function formatBar(ts: number, bar: MarketBar, ticker?: string): string {
  const named = ticker === undefined ? "" : `"T":${JSON.stringify(ticker)},`;
  const weighted = bar.vw === undefined ? "" : `,"vw":${bar.vw}`;
  const counted = bar.n === undefined ? "" : `,"n":${bar.n}`;
  return `{${named}"v":${bar.v}${weighted},"o":${bar.o},"c":${bar.c},"h":${bar.h},"l":${bar.l},"t":${ts}${counted}}`;
}

/** The rest of the range, under a cursor that carries the query; nothing when there is none. */
function nextUrlMember(baseUrl: string, ask: Ask, nextTs: EpochMs | undefined): string {
  if (nextTs === undefined) return "";
  const { query } = ask;
  const range = query.sort === "asc" ? `${nextTs}/${ask.to}` : `${ask.from}/${nextTs}`;
  const text = `adjusted=${query.adjusted}&limit=${query.limit}&sort=${query.sort}`;
  const cursor = encodeURIComponent(Buffer.from(text).toString("base64"));
  const path = `/v2/aggs/ticker/${encodeURIComponent(ask.ticker)}/range/1/${ask.timespan}/${range}`;
  return `,"next_url":${JSON.stringify(`${baseUrl}${path}?cursor=${cursor}`)}`;
}

/** Undefined when the path is none of ours. */
function parseAsk(url: URL): Ask | undefined {
  const [, ticker, multiplier, timespan, from, to] = AGGS_PATH.exec(url.pathname) ?? [];
  if (ticker === undefined || from === undefined || to === undefined) return undefined;
  if (multiplier !== "1" || (timespan !== "minute" && timespan !== "day")) {
    throw new BadRequest("The sandbox serves range/1/minute and range/1/day only.");
  }
  return { ticker: decodeURIComponent(ticker), timespan, from, to, query: parseQuery(url) };
}

function toScan({ ticker, from, to, query }: Ask, source: MarketSource): Scan {
  const startMs = parseTime(from, "from");
  const endMs = parseTime(to, "to");
  if (endMs < startMs) {
    throw new BadRequest("The parameter 'to' cannot be a time that occurs before 'from'");
  }
  const symbol = source.traded("polygon", ticker);
  return {
    symbols: symbol === undefined ? [] : [symbol],
    startMs,
    endMs: Math.min(endMs, source.now()),
    order: query.sort,
    limit: query.limit,
    from: null,
  };
}

/**
 * Aggregates of one ticker, 1-minute and daily; undefined for a path that is none of theirs. Throws
 * BadRequest.
 */
export function answerAggs(
  url: URL,
  source: MarketSource,
  baseUrl: string,
  requestId: string,
): Reply | undefined {
  const ask = parseAsk(url);
  if (ask === undefined) return undefined;
  const results: string[] = [];
  const emit = (_symbol: string, ts: EpochMs, bar: MarketBar) => {
    results.push(formatBar(ts, bar));
  };
  const scan = toScan(ask, source);
  const next =
    ask.timespan === "minute"
      ? scanMinutes(scan, source.minutesNow("polygon", "sip"), emit)
      : scanDays(scan, source, source.daysNow("polygon", "sip"), emit);
  const count = results.length;
  // `results` is absent, not [], when there are none: recorded and in the published schema.
  const list = count === 0 ? "" : `"results":[${results.join(",")}],`;
  const body =
    `{"ticker":${JSON.stringify(ask.ticker)},"queryCount":${count},"resultsCount":${count},` +
    `"adjusted":${ask.query.adjusted},${list}"status":"OK","request_id":"${requestId}",` +
    `"count":${count}${nextUrlMember(baseUrl, ask, next?.ts)}}`;
  return jsonReply(200, body, { "x-request-id": requestId });
}
