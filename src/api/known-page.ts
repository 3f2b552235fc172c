import type { Context } from "hono";
import { type EpochMs, HOUR_MS, toIso } from "../domain/time.ts";
import {
  FIRST_CALENDAR_YEAR,
  LAST_CALENDAR_YEAR,
  parseTradingDate,
} from "../domain/trading-date.ts";
import { marketClock } from "../platform/clocks.ts";
import type { ApiEnv } from "./api-env.ts";
import { formatPageToken, type PageToken, parsePageToken } from "./page-token.ts";
import { problem } from "./problem.ts";

/** A refresh has the time at which it began, and is written some time later, so what is as young may still change. */
const SETTLED_AFTER_MS = HOUR_MS;

/** Whether what is said of the universe as of a time is what will always be said of it. */
export function isSettled(asOfMs: EpochMs, nowMs: EpochMs): boolean {
  return asOfMs <= nowMs - SETTLED_AFTER_MS;
}

/** What the number of a place may be, by what it counts. */
const PLACES = {
  /** A symbol says it all. */
  none: { min: 0, max: 0 },
  /** The day number of a date that the calendar knows. */
  date: {
    min: parseTradingDate(`${FIRST_CALENDAR_YEAR}-01-01`),
    max: parseTradingDate(`${LAST_CALENDAR_YEAR}-12-31`),
  },
  /** A version of the universe, as its column holds it. */
  version: { min: 0, max: 2 ** 31 - 1 },
} as const;

/** Where a page starts, at which knowledge time, and how to name the next one. */
export interface PageStart {
  readonly asOfMs: EpochMs;
  /** Whether the same URL answers the same for ever. */
  readonly isPinned: boolean;
  readonly after: PageToken["after"];
  readonly next: (symbol: string, ts: number) => string;
}

/**
 * Reads `as_of` (default: now) and the page token of a query; `shape` is what the token belongs to, `counts` what the
 * number of its place is. Refuses a token of another query and a knowledge time that has not come.
 */
export function startOfPage(
  context: Context<ApiEnv>,
  query: { readonly as_of?: number | undefined; readonly page_token?: string | undefined },
  shape: string,
  counts: keyof typeof PLACES,
): PageStart | { readonly refused: Response } {
  const nowMs = marketClock.now();
  const page = query.page_token === undefined ? undefined : parsePageToken(query.page_token, shape);
  const { min, max } = PLACES[counts];
  if (page === null || (page !== undefined && !(page.after.ts >= min && page.after.ts <= max))) {
    const detail = "page_token does not continue this query";
    return { refused: problem(context, 400, { code: "bad_page_token", detail }) };
  }
  const asOfMs = page?.asOfMs ?? query.as_of ?? nowMs;
  if (asOfMs > nowMs) {
    const detail = "as_of is in the future: what will be known then is not known";
    const extra = { horizon: toIso(nowMs) };
    return { refused: problem(context, 409, { code: "not_yet_known", detail, extra }) };
  }
  const isNamed = query.as_of !== undefined || page !== undefined;
  return {
    asOfMs,
    isPinned: isNamed && isSettled(asOfMs, nowMs),
    after: page?.after ?? { symbol: "", ts: 0 },
    next: (symbol, ts) =>
      formatPageToken({ asOfMs, startMs: 0, endMs: 0, after: { symbol, ts } }, shape),
  };
}
