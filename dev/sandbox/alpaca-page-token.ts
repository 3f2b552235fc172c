import { MINUTE_MS } from "../../src/domain/time.ts";
import { parseRfc3339OrDate } from "./instants.ts";
import type { ScanPlace } from "./minute-scan.ts";

/** The bars that the sandbox serves as Alpaca. */
export type AlpacaInterval = "1m" | "1d";

const LETTERS = { "1m": "M", "1d": "D" } as const;

/**
 * Alpaca's page token: base64 of `AAPL|M|2022-01-03T09:00:00Z`, opaque to callers. Here it names the
 * next bar; it carries all that is needed to go on, so the sandbox remembers nothing between pages.
 */
export function encodePageToken(place: ScanPlace, interval: AlpacaInterval): string {
  return Buffer.from(
    `${place.symbol}|${LETTERS[interval]}|${new Date(place.ts).toISOString()}`,
  ).toString("base64");
}

/** The place that a token names; null when it is not one of ours. */
export function decodePageToken(token: string, interval: AlpacaInterval): ScanPlace | null {
  const [symbol, kind, time, ...rest] = Buffer.from(token, "base64").toString("utf8").split("|");
  if (symbol === undefined || time === undefined || kind !== LETTERS[interval] || rest.length > 0)
    return null;
  const ts = parseRfc3339OrDate(time, "start");
  return ts === undefined || ts % MINUTE_MS !== 0 ? null : { symbol, ts };
}
