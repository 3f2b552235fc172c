import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";
import { encodePageToken } from "./alpaca-page-token.ts";
import { parseBarsQuery } from "./alpaca-query.ts";
import type { BarsQuery } from "./alpaca-query.ts";
import { scanDays } from "./day-scan.ts";
import type { MarketSource } from "./market-source.ts";
import { scanMinutes } from "./minute-scan.ts";
import type { ScanPlace } from "./minute-scan.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const SINGLE_PATH = /^\/v2\/stocks\/([^/]+)\/bars$/;
function formatBar(time: string, bar: MarketBar): string {
  const counted = bar.n === undefined ? "" : `,"n":${bar.n}`;
  const weighted = bar.vw === undefined ? "" : `,"vw":${bar.vw}`;
  return `{"t":"${time}","o":${bar.o},"h":${bar.h},"l":${bar.l},"c":${bar.c},"v":${bar.v}${counted}${weighted}}`;
}

/** The page's bars as JSON text per symbol, and where the next page begins. */
function readPage(
  { feed, interval, scan }: BarsQuery,
  source: MarketSource,
): { bars: Map<string, string[]>; next: ScanPlace | null } {
  const bars = new Map<string, string[]>();
  // Many symbols share a minute: its text is made once.
  const times = new Map<EpochMs, string>();
  const emit = (symbol: string, ts: EpochMs, bar: MarketBar) => {
    let time = times.get(ts);
    if (time === undefined) times.set(ts, (time = `${new Date(ts).toISOString().slice(0, 19)}Z`));
    let series = bars.get(symbol);
    if (series === undefined) bars.set(symbol, (series = []));
    series.push(formatBar(time, bar));
  };
  const next =
    interval === "1m"
      ? scanMinutes(scan, source.minutesNow("alpaca", feed), emit)
      : scanDays(scan, source, source.daysNow("alpaca", feed), emit);
  return { bars, next };
}

/** Historical bars of one (path) or several (query) symbols, 1-minute and daily. Throws BadRequest. */
export function answerBars(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const inPath = SINGLE_PATH.exec(url.pathname)?.[1];
  const single = inPath === undefined ? undefined : decodeURIComponent(inPath);
  const query = parseBarsQuery(url, single, source);
  const { bars, next } = readPage(query, source);
  const token = next === null ? "null" : `"${encodePageToken(next, query.interval)}"`;
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
