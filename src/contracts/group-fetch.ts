import { z } from "zod";
import { CREDIT_LANES } from "../domain/credits.ts";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { MINUTE_MS } from "../domain/time.ts";
import {
  jobInstantSchema,
  jobPrioritySchema,
  jobSymbolsSchema,
  MAX_JOB_SYMBOLS,
  rangeFault,
} from "./job-fields.ts";

/** Minutes one fetch may ask for: a session with its pre and post. */
export const MAX_FETCH_MINUTES = 960;

/** Half hours that a fetch can touch. */
const MAX_RATE_SPANS = MAX_FETCH_MINUTES / 30 + 1;

const rateSpanSchema = z.object({
  fromMs: jobInstantSchema,
  rates: z.array(z.number().min(0).max(1)).max(MAX_JOB_SYMBOLS).readonly(),
});

/** Minutes whose bars this provider gave. */
const ownedRangeSchema = z.object({
  startMs: jobInstantSchema,
  endMs: jobInstantSchema,
  provider: z.enum(PROVIDER_IDS),
});
export type OwnedRange = z.infer<typeof ownedRangeSchema>;

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
    /** Whose share of the credits it takes: live may have all, repair leaves some to those before it. */
    lane: z.enum(CREDIT_LANES),
    /** What the symbols trade, in their order: how an answer is judged. */
    rates: z.array(rateSpanSchema).max(MAX_RATE_SPANS).default([]),
    /** Whose bars the group holds in the window: they are asked again for what changed. */
    owners: z.array(ownedRangeSchema).max(MAX_FETCH_MINUTES).default([]),
  })
  .strict()
  .superRefine(({ start_ms: startMs, end_ms: endMs }, context) => {
    const fault = rangeFault({ startMs, endMs }, MINUTE_MS, MAX_FETCH_MINUTES * MINUTE_MS);
    if (fault !== null)
      context.addIssue({ code: "custom", message: fault.message, path: [fault.field] });
  });
export type GroupFetch = z.infer<typeof groupFetchSchema>;
