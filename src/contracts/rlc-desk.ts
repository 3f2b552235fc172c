import { z } from "zod";
import { jobInstantSchema, jobPrioritySchema, jobSymbolsSchema } from "./job-fields.ts";
import { claimedJobSchema, jobAnswerSchema, MAX_CLAIM_JOBS } from "./rlc.ts";

/** What the runner of a round, group g00 and the groups say to each other of a coordinator's jobs. */

const group = z.number().int().min(0).max(1_023);
const jobId = claimedJobSchema.shape.id;

/** A part of one or more jobs, for the group that is home of its symbols. */
export const jobPartSchema = z.object({
  id: z.string().min(1).max(64),
  jobs: z.array(jobId).min(1).max(MAX_CLAIM_JOBS),
  group,
  symbols: jobSymbolsSchema,
  startMs: jobInstantSchema,
  endMs: jobInstantSchema,
  priority: jobPrioritySchema,
});

/** How a group has ended its part: all answered, not all, or nothing of it is polled here. */
export const partEndSchema = z.object({
  group,
  jobs: z.array(jobId).min(1).max(MAX_CLAIM_JOBS),
  end: z.enum(["whole", "partial", "unserved"]),
});
export type PartEnd = z.infer<typeof partEndSchema>;

/** How a claim ended, told to g00 before anything is done with the jobs. */
export const claimEndSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    jobs: z
      .array(z.object({ id: jobId, leaseMs: z.number().int().positive(), groups: z.array(group) }))
      .max(MAX_CLAIM_JOBS),
  }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);
export type ReportedClaim = z.infer<typeof claimEndSchema>;

/** What a round begins with: how many jobs there is room for, and what is to be told of earlier ones. */
export interface RoundStart {
  readonly max: number;
  readonly answers: readonly z.infer<typeof jobAnswerSchema>[];
}
