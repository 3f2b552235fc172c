import { z } from "zod";
import { MINUTE_MS } from "../domain/time.ts";
import {
  jobInstantSchema,
  jobPrioritySchema,
  jobSymbolsSchema,
  MAX_JOB_BARS,
  rangeFault,
} from "./job-fields.ts";

/** Minutes one fetch may ask for. */
export const MAX_FETCH_MINUTES = MAX_JOB_BARS;

/**
 * What a group hands to the runner: ask a provider for the bars of some of its symbols over
 * `[start_ms, end_ms)`. `duty` names the row of the group that started it; `settle` marks the pass
 * after the close, whose answers may revise whatever was believed before. Internal: what an outside
 * coordinator may ask for is `BarsFetchJob`, which is cut along groups into these.
 */
export const groupFetchSchema = z
  .object({
    v: z.literal(1),
    id: z.string().min(1).max(200),
    group: z.number().int().min(0).max(1_023),
    duty: z.string().min(1).max(100),
    interval: z.literal("1m"),
    symbols: jobSymbolsSchema,
    start_ms: jobInstantSchema,
    end_ms: jobInstantSchema,
    priority: jobPrioritySchema,
    settle: z.boolean(),
  })
  .strict()
  .superRefine(({ start_ms: startMs, end_ms: endMs }, context) => {
    const fault = rangeFault({ startMs, endMs }, MINUTE_MS, MAX_FETCH_MINUTES * MINUTE_MS);
    if (fault !== null)
      context.addIssue({ code: "custom", message: fault.message, path: [fault.field] });
  });
export type GroupFetch = z.infer<typeof groupFetchSchema>;
