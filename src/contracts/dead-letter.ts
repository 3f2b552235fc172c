import { z } from "zod";
import { TIERS } from "../domain/tier.ts";
import {
  ATTEMPT_REASONS,
  holeAttemptSchema,
  MAX_HOLE_ERROR,
  MAX_HOLE_HISTORY,
} from "./backfill.ts";
import { jobInstantSchema, jobPrioritySchema } from "./job-fields.ts";

/**
 * A hole that its queue gave up after its attempts: the body of a message of `backfill-dlq`, and a row of
 * `backfill_jobs`. The id follows from what it is about, so the same hole that dies again is the same
 * letter; `died_ms` tells one death from the next, and an older one changes nothing.
 */
export const deadLetterSchema = z
  .object({
    v: z.literal(1),
    id: z.string().min(1).max(100),
    tier: z.enum(TIERS),
    group: z.number().int().min(0).max(1_023),
    symbol: z.string().min(1).max(20),
    interval: z.enum(["1m", "1d"]),
    start_ms: jobInstantSchema,
    end_ms: jobInstantSchema,
    priority: jobPrioritySchema,
    attempts: z.number().int().nonnegative(),
    reason: z.enum(ATTEMPT_REASONS),
    last_error: z.string().max(MAX_HOLE_ERROR),
    history: z.array(holeAttemptSchema).max(MAX_HOLE_HISTORY),
    enqueued_ms: z.number(),
    died_ms: z.number(),
  })
  .strict();
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** One death of one hole: what Postgres confirms to the queue. */
export const deathSchema = z.object({ id: z.string(), diedMs: z.number() });
export type Death = z.infer<typeof deathSchema>;

/** The id of the letter of a hole. */
export function deadLetterId(hole: {
  readonly tier: string;
  readonly symbol: string;
  readonly interval: string;
  readonly startMs: number;
  readonly endMs: number;
}): string {
  return [hole.tier, hole.symbol, hole.interval, hole.startMs, hole.endMs].join(":");
}
