import { z } from "zod";
import { newYorkDayNumber } from "../../src/domain/new-york-time.ts";
import { fnv1a32 } from "../../src/domain/symbol.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { hash32 } from "../market/hash.ts";
import type { MarketBar } from "../market/market.ts";
import { BadRequest } from "./bad-request.ts";
import { scanDays } from "./day-scan.ts";
import type { MarketSource } from "./market-source.ts";
import { scanMinutes } from "./minute-scan.ts";
import type { Scan } from "./minute-scan.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

const querySchema = z.object({
  symbol: z.string().min(1),
  resolution: z.enum(["1", "D"]),
  from: z.coerce.number().int().min(0).max(9_999_999_999),
  to: z.coerce.number().int().min(0).max(9_999_999_999),
});

const MAX_INTRADAY_MS = 31 * DAY_MS;
const MAX_BARS = 50_000;
/** Early in a minute valid requests are now and then told that there is no data (Finnhub-API#519). */
const UNSURE_UNTIL_MS = 20 * SECOND_MS;
const UNSURE_OF = 3;
const UNSURE_SALT = 95;

function isUnsure(symbol: string, nowMs: EpochMs): boolean {
  if (nowMs % MINUTE_MS >= UNSURE_UNTIL_MS) return false;
  return hash32(fnv1a32(symbol), Math.floor(nowMs / MINUTE_MS), UNSURE_SALT) % UNSURE_OF === 0;
}

interface Candle extends MarketBar {
  /** Seconds. */
  readonly t: number;
}

/** Parallel columns; nothing at all is `no_data`, without arrays. */
function formatColumns(candles: readonly Candle[]): string {
  if (candles.length === 0) return '{"s":"no_data"}';
  const column = (name: "c" | "h" | "l" | "o" | "t" | "v") => candles.map((row) => row[name]);
  return JSON.stringify({
    c: column("c"),
    h: column("h"),
    l: column("l"),
    o: column("o"),
    s: "ok",
    t: column("t"),
    v: column("v"),
  });
}

function readMinutes(scan: Scan, source: MarketSource): readonly Candle[] {
  if (scan.endMs - scan.startMs > MAX_INTRADAY_MS) throw new BadRequest("Timeframe is too long");
  const candles: Candle[] = [];
  scanMinutes(scan, source.minutesNow("finnhub", "finnhub"), (_symbol, ts, bar) =>
    candles.push({ ...bar, t: ts / SECOND_MS }),
  );
  return candles;
}

/** A day's `t` is 00:00 UTC of its date; the New York midnight that begins it is some hours later. */
function readDays(scan: Scan, source: MarketSource): readonly Candle[] {
  const utcDays: Scan = {
    ...scan,
    startMs: Math.ceil(scan.startMs / DAY_MS) * DAY_MS,
    endMs: Math.floor(scan.endMs / DAY_MS) * DAY_MS + DAY_MS / 2,
  };
  const candles: Candle[] = [];
  scanDays(utcDays, source, source.daysNow("finnhub", "finnhub"), (_symbol, ts, bar) =>
    candles.push({ ...bar, t: (newYorkDayNumber(ts) * DAY_MS) / SECOND_MS }),
  );
  return candles;
}

/**
 * `/stock/candle` of one symbol, minutes or days, both ends inclusive. For some symbols any answer in
 * the first 20 s of a minute is `no_data`. Throws BadRequest.
 */
export function answerCandle(
  url: URL,
  source: MarketSource,
  headers: Readonly<Record<string, string>>,
): Reply {
  const query = querySchema.safeParse(Object.fromEntries(url.searchParams));
  if (!query.success) {
    throw new BadRequest(`Wrong parameter: ${String(query.error.issues[0]?.path[0])}`);
  }
  const { symbol: spelled, resolution, from, to } = query.data;
  const nowMs = source.now();
  const symbol = source.traded("finnhub", spelled);
  const scan: Scan = {
    symbols: symbol === undefined || isUnsure(symbol, nowMs) ? [] : [symbol],
    startMs: from * SECOND_MS,
    endMs: Math.min(to * SECOND_MS, nowMs),
    order: "asc",
    limit: MAX_BARS,
    from: null,
  };
  const candles = resolution === "1" ? readMinutes(scan, source) : readDays(scan, source);
  return jsonReply(200, formatColumns(candles), { ...headers });
}
