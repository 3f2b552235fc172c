import { z } from "zod";
import { isCanonicalSymbol } from "../domain/symbol.ts";
import { MINUTE_MS } from "../domain/time.ts";

export const MAX_JOB_SYMBOLS = 1_000;
/** Minutes one job may ask for: bounds an answer to what one ingest can take. */
export const MAX_JOB_MINUTES = 120;

const minuteMs = z.number().int().nonnegative().multipleOf(MINUTE_MS);

/**
 * Ask a provider for the bars of some symbols of one group over `[start_ms, end_ms)`.
 * `duty` names the row of the group that started it; `settle` marks the pass after the close, whose
 * answers may revise whatever was believed before.
 */
export const barsFetchJobSchema = z
  .object({
    v: z.literal(1),
    type: z.literal("bars"),
    id: z.string().min(1).max(100),
    group: z.number().int().min(0).max(1_023),
    duty: z.string().min(1).max(100),
    interval: z.literal("1m"),
    symbols: z
      .array(z.string().refine(isCanonicalSymbol, "not a canonical symbol"))
      .min(1)
      .max(MAX_JOB_SYMBOLS),
    start_ms: minuteMs,
    end_ms: minuteMs,
    priority: z.number().int().min(0).max(9),
    settle: z.boolean(),
  })
  .strict()
  .refine((job) => job.start_ms < job.end_ms, { message: "empty range", path: ["end_ms"] })
  .refine((job) => job.end_ms - job.start_ms <= MAX_JOB_MINUTES * MINUTE_MS, {
    message: `more than ${MAX_JOB_MINUTES} minutes`,
    path: ["end_ms"],
  });
export type BarsFetchJob = z.infer<typeof barsFetchJobSchema>;
