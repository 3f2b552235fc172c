import { createCalendar } from "../../src/domain/calendar.ts";
import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import type { MarketSource } from "./market-source.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** What `/quote` says of a symbol that it does not know: 200, and every number 0. */
const NOTHING = { c: 0, d: null, dp: null, h: 0, l: 0, o: 0, pc: 0, t: 0 };

const calendar = createCalendar();

function cents(dollars: number): number {
  return Math.round(dollars * 10_000) / 10_000;
}

/** `/quote`: last price and the day so far, no bid, ask or size; `t` in seconds. */
export function answerQuote(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const nowMs = source.now();
  const symbol = source.traded("finnhub", url.searchParams.get("symbol") ?? "");
  const quote = symbol === undefined ? undefined : source.quote(symbol, "sip", nowMs);
  const sides = [quote?.bid ?? 0, quote?.ask ?? 0].filter((side) => side > 0);
  if (symbol === undefined || quote === undefined || sides.length === 0) {
    return jsonReply(200, JSON.stringify(NOTHING), { ...headers });
  }
  const session = calendar.previousSession(quote.at);
  const before = calendar.previousSession(session.openMs - 1);
  const previous = source.daysNow("finnhub", "finnhub")(symbol, newYorkMs(before.date, 0));
  const last = cents(sides.reduce((sum, side) => sum + side, 0) / sides.length);
  const pc = previous?.c ?? last;
  const open = source.quote(symbol, "sip", Math.min(quote.at, session.openMs));
  const o = open !== undefined && open.ask > 0 ? open.ask : last;
  const body = {
    c: last,
    d: cents(last - pc),
    dp: cents(((last - pc) / pc) * 100),
    h: Math.max(last, o),
    l: Math.min(last, o),
    o,
    pc,
    t: Math.floor(quote.at / SECOND_MS),
  };
  return jsonReply(200, JSON.stringify(body), { ...headers });
}
