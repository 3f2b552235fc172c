import { z } from "zod";
import { isCanonicalSymbol } from "../domain/symbol.ts";
import { DAY_MS, type EpochMs, MINUTE_MS, type TimeRange } from "../domain/time.ts";

export const MAX_JOB_SYMBOLS = 1_000;
/** Bars of one symbol that one fetch may ask for, of either interval: bounds what one ingest takes. */
export const MAX_JOB_BARS = 120;

/** Which symbols a job asks for. */
export const jobSymbolsSchema = z
  .array(z.string().refine(isCanonicalSymbol, "not a canonical symbol"))
  .min(1)
  .max(MAX_JOB_SYMBOLS)
  .refine((symbols) => new Set(symbols).size === symbols.length, "a symbol stands twice")
  .describe(`1 to ${MAX_JOB_SYMBOLS} canonical symbols, each once`);

/** How soon a job is wanted. */
export const jobPrioritySchema = z
  .number()
  .int()
  .min(0)
  .max(9)
  .describe("0 to 9, 0 is run first; jobs of one priority by age");

/** Ends of the half-open range `[start_ms, end_ms)` of bar starts that a job asks for. */
export const jobInstantSchema = z
  .number()
  .int()
  .nonnegative()
  .describe("milliseconds since the Unix epoch, UTC, on a boundary of the interval");

/** Distance of two bar starts: a daily bar starts at 00:00 UTC of its trading date. */
export const INTERVAL_MS = { "1m": MINUTE_MS, "1d": DAY_MS } as const;

/** What is wrong with the range of a job, with the field that it is said of; null when it is right. */
export function rangeFault(
  { startMs, endMs }: TimeRange,
  intervalMs: number,
  maxMs: number,
): { readonly field: "start_ms" | "end_ms"; readonly message: string } | null {
  const isOff = (ms: EpochMs) => ms % intervalMs !== 0;
  if (isOff(startMs)) return { field: "start_ms", message: "not on a boundary of the interval" };
  if (isOff(endMs)) return { field: "end_ms", message: "not on a boundary of the interval" };
  if (startMs >= endMs) return { field: "end_ms", message: "empty range" };
  const bars = (endMs - startMs) / intervalMs;
  const maxBars = Math.floor(maxMs / intervalMs);
  if (bars <= maxBars) return null;
  return { field: "end_ms", message: `${bars} bars a symbol, at most ${maxBars}` };
}
