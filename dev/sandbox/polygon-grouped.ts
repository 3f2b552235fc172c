import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { spellingOf } from "../market/symbology.ts";
import { BadRequest } from "./bad-request.ts";
import { parseUnixMsOrDate } from "./instants.ts";
import type { MarketSource } from "./market-source.ts";
import { formatBar } from "./polygon-aggs.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const GROUPED_PATH = /^\/v2\/aggs\/grouped\/locale\/us\/market\/stocks\/([^/]+)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** 16:00 New York: what a grouped row's `t` says, also on an early close. */
const STAMP_MINUTE = 960;

/**
 * The daily bars of the whole market on one date; undefined for a path that is none of theirs. A date
 * without a session, or not served yet, is 200 without `results`. Throws BadRequest.
 */
export function answerGrouped(
  url: URL,
  source: MarketSource,
  requestId: string,
): Reply | undefined {
  const date = GROUPED_PATH.exec(url.pathname)?.[1];
  if (date === undefined) return undefined;
  const startMs = DATE.test(date) ? parseUnixMsOrDate(date, "start") : undefined;
  if (startMs === undefined) {
    throw new BadRequest("Could not parse the time parameter: 'date'. Use YYYY-MM-DD");
  }
  const isOpen = source.tradingDays(startMs, startMs).length > 0;
  const lookUp = source.daysNow("polygon", "sip");
  const stampMs = newYorkMs(date, STAMP_MINUTE);
  const rows: string[] = [];
  for (const { symbol } of isOpen ? source.symbols : []) {
    const bar = lookUp(symbol, startMs);
    if (bar !== undefined) rows.push(formatBar(stampMs, bar, spellingOf("polygon", symbol)));
  }
  const count = rows.length;
  const adjusted = url.searchParams.get("adjusted") !== "false";
  const list = count === 0 ? "" : `"results":[${rows.join(",")}],`;
  const body =
    `{"queryCount":${count},"resultsCount":${count},"adjusted":${adjusted},${list}` +
    `"status":"OK","request_id":"${requestId}","count":${count}}`;
  return jsonReply(200, body, { "x-request-id": requestId });
}
