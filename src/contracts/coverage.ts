import { z } from "zod";
import type { Coverage } from "../domain/coverage.ts";
import type { EpochMs } from "../domain/time.ts";

/** So many (symbol, session) pairs are counted at once: a page, and what one call to a group takes. */
export const MAX_COVERAGE_CELLS = 1_000;
/** A read of coverage goes over so many days, in pages: a year is kept unless more is asked for. */
export const MAX_COVERAGE_DAYS = 400;

/** Minutes of one session, `[startMs, endMs)` on whole minutes, and whose of them are to be counted. */
export const coverageWindowSchema = z.object({
  startMs: z.number().int(),
  endMs: z.number().int(),
  symbols: z.array(z.string()).max(MAX_COVERAGE_CELLS).readonly(),
});
export type CoverageWindow = z.infer<typeof coverageWindowSchema>;

/** What a group is asked to count. */
export const coverageWindowsSchema = z
  .array(coverageWindowSchema)
  .max(MAX_COVERAGE_DAYS)
  .refine(
    (windows) =>
      windows.reduce((cells, { symbols }) => cells + symbols.length, 0) <= MAX_COVERAGE_CELLS,
    "too many symbols and sessions",
  );

/**
 * A symbol in a window. `sinceMs`: from when it is owed minutes; null when it is owed none (its tier
 * has no minutes, or it has left). `coverage` is null for what the group has no beliefs of, an older
 * session or one that the symbol is not owed: Postgres holds it.
 */
export interface CoverageCell {
  readonly symbol: string;
  readonly startMs: EpochMs;
  readonly sinceMs: EpochMs | null;
  readonly coverage: Coverage | null;
}
