import { z } from "zod";
import { TIERS } from "../domain/tier.ts";
import { DAY_MS, type TimeRange } from "../domain/time.ts";
import {
  INTERVAL_MS,
  jobInstantSchema,
  jobPrioritySchema,
  jobSymbolsSchema,
  MAX_JOB_BARS,
  rangeFault,
} from "./job-fields.ts";

/** How far a backfill job may reach, days: the queue cuts it into fetches. */
export const MAX_BACKFILL_DAYS = 730;

const intervalSchema = z.enum(["1m", "1d"]).describe("bar length: 1 minute or 1 trading date");
const base = {
  v: z.literal(1).describe("version of this shape"),
  id: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 . _ : -")
    .describe("names the job for ever: the same id is the same job"),
};
const range = { interval: intervalSchema, start_ms: jobInstantSchema, end_ms: jobInstantSchema };

interface RangedJob {
  readonly interval: keyof typeof INTERVAL_MS;
  readonly start_ms: number;
  readonly end_ms: number;
}

/** Refuses a range that is empty, off the interval's boundaries, or longer than allowed. */
function refuseRange(maxMs: (interval: RangedJob["interval"]) => number) {
  return (job: RangedJob, context: z.core.$RefinementCtx): void => {
    const asked: TimeRange = { startMs: job.start_ms, endMs: job.end_ms };
    const fault = rangeFault(asked, INTERVAL_MS[job.interval], maxMs(job.interval));
    if (fault === null) return;
    context.addIssue({ code: "custom", message: fault.message, path: [fault.field] });
  };
}

/** Fetch the bars of some symbols now: what just ended, or what should be looked at again. */
export const barsFetchJobSchema = z
  .object({
    ...base,
    type: z.literal("bars"),
    symbols: jobSymbolsSchema,
    ...range,
    priority: jobPrioritySchema.default(0),
  })
  .strict()
  .superRefine(refuseRange((interval) => MAX_JOB_BARS * INTERVAL_MS[interval]))
  .describe(`bars of [start_ms, end_ms), at most ${MAX_JOB_BARS} a symbol`);
export type BarsFetchJob = z.infer<typeof barsFetchJobSchema>;

/** Fetch the newest quote of each symbol. */
export const quotesFetchJobSchema = z
  .object({
    ...base,
    type: z.literal("quotes"),
    symbols: jobSymbolsSchema,
    priority: jobPrioritySchema.default(0),
  })
  .strict()
  .describe("the newest quote of each symbol");
export type QuotesFetchJob = z.infer<typeof quotesFetchJobSchema>;

/** Fill a range of history, as the tier's queue gets to it. The priority is the tier's number by default. */
export const backfillJobSchema = z
  .object({
    ...base,
    type: z.literal("backfill"),
    tier: z.enum(TIERS).describe("whose queue and share of the credits it takes"),
    symbols: jobSymbolsSchema,
    ...range,
    priority: jobPrioritySchema.optional(),
  })
  .strict()
  .superRefine(refuseRange(() => MAX_BACKFILL_DAYS * DAY_MS))
  .transform((job) => ({ ...job, priority: job.priority ?? TIERS.indexOf(job.tier) }))
  .describe(`bars of [start_ms, end_ms), at most ${MAX_BACKFILL_DAYS} days`);
export type BackfillJob = z.infer<typeof backfillJobSchema>;

/** Work that an outside coordinator may hand to the service; what is not exactly one of these never runs. */
export type Job = BarsFetchJob | QuotesFetchJob | BackfillJob;
export const jobSchema: z.ZodType<Job> = z.discriminatedUnion("type", [
  barsFetchJobSchema,
  quotesFetchJobSchema,
  backfillJobSchema,
]);

/** Faults of one job that are named at most: the first ones show what is wrong with the rest. */
const MAX_FAULTS = 5;

/** A job, or what is wrong with it, each fault with its JSON path; values are never repeated. */
export function parseJob(
  input: unknown,
): { readonly ok: true; readonly job: Job } | { readonly ok: false; readonly faults: string[] } {
  const parsed = jobSchema.safeParse(input);
  if (parsed.success) return { ok: true, job: parsed.data };
  const issues = parsed.error.issues.slice(0, MAX_FAULTS);
  return {
    ok: false,
    faults: issues.map(({ path, message }) => `${path.join(".") || "job"}: ${message}`),
  };
}
