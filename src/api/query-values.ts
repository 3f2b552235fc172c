import { z } from "@hono/zod-openapi";
import { isCanonicalSymbol } from "../domain/symbol.ts";
import { isTradingDate } from "../domain/trading-date.ts";

const MAX_SYMBOLS = 1_000;

/** The instants that are taken: from the first on, before the end. */
export const FIRST_INSTANT_MS = 0;
export const END_INSTANT_MS = Date.UTC(2100, 0, 1);

/** Canonical symbols, comma separated, at most a thousand. */
export const symbolsParam = z
  .string()
  .min(1)
  .max(MAX_SYMBOLS * 16)
  .transform((text) => [...new Set(text.split(","))])
  .refine((symbols) => symbols.length <= MAX_SYMBOLS, `at most ${MAX_SYMBOLS} symbols`)
  .refine((symbols) => symbols.every(isCanonicalSymbol), "not canonical symbols");

/** An instant: RFC 3339 with offset, or whole milliseconds since the epoch. Parsed to milliseconds. */
export const instantParam = z
  .union([z.iso.datetime({ offset: true }), z.string().regex(/^\d{1,15}$/)])
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))
  .refine(
    (ms) => ms >= FIRST_INSTANT_MS && ms < END_INSTANT_MS,
    "not an instant between 1970 and 2100",
  );

/** A New York date. */
export const dateParam = z
  .string()
  .refine(isTradingDate, "not a date YYYY-MM-DD of a year that the calendar knows");

/** A whole number in a query, between bounds. */
export function countParam(min: number, max: number, fallback: number) {
  return z.coerce.number().int().min(min).max(max).default(fallback);
}
