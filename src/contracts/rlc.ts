import { z } from "zod";

/**
 * The protocol of the rate-limit coordinator (RLC), an outside service that hands out jobs:
 * `POST {RLC_URL}/v1/jobs/claim` with a claim, then for each job `POST /v1/jobs/{id}/ack` or
 * `/v1/jobs/{id}/nack`. With a token each request carries `Authorization: Bearer TOKEN`. A claimed job
 * is leased: neither acknowledged nor refused until the lease ends, it is offered again, so a worker
 * may crash at any moment. Acks and nacks may be repeated; 404 and 409 say that the lease is lost.
 */

/** Jobs that one claim may bring. */
export const MAX_CLAIM_JOBS = 100;
/** A claim's answer: its jobs with a thousand symbols each. */
export const MAX_CLAIM_BYTES = 2 * 1_024 * 1_024;
/** Any other body, of either side. */
export const MAX_ANSWER_BYTES = 4_096;
/** Text of a nack: what a fault is about stands at its beginning. */
export const MAX_DETAIL_TEXT = 500;
export const MAX_RETRY_MS = 86_400_000;
const MAX_LEASE_MS = 3_600_000;

const workerSchema = z.string().min(1).max(100).describe("who asks, for people");

/** `POST /v1/jobs/claim`. A `max` of 0 only asks whether the coordinator is there. */
export const claimRequestSchema = z
  .object({ worker: workerSchema, max: z.number().int().min(0).max(MAX_CLAIM_JOBS) })
  .strict();
export type ClaimRequest = z.infer<typeof claimRequestSchema>;

/**
 * A job with its lease. The job itself is judged alone (`parseJob`), so that one that is wrong can be
 * refused by its id and does not take the others with it.
 */
export const claimedJobSchema = z.object({
  id: z.string().min(1).max(200),
  lease_ms: z.number().int().min(1).max(MAX_LEASE_MS).describe("how long from now it is leased"),
  job: z.unknown(),
});
export type ClaimedJob = z.infer<typeof claimedJobSchema>;

/** The answer to a claim, most urgent job first. */
export const claimAnswerSchema = z.object({ jobs: z.array(claimedJobSchema).max(MAX_CLAIM_JOBS) });
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

/** `POST /v1/jobs/{id}/ack`: every symbol that the service serves was answered for. */
export const ackRequestSchema = z.object({ worker: workerSchema }).strict();
export type AckRequest = z.infer<typeof ackRequestSchema>;

/** Why a job was not done. */
export const NACK_REASONS = [
  /** It is not a job of `contracts/jobs.ts`; the detail says what is wrong. Never run. */
  "invalid",
  /** Older than what is fetched live (a backfill), or than a backfill may reach. */
  "out_of_range",
  /** Its minutes have not ended. */
  "too_early",
  /** None of its symbols is served here, or nobody serves what it asks for. */
  "unserved",
  /** The queue of its tier is full. */
  "queue_full",
  /** A part of it was not answered whole. */
  "unanswered",
  /** The sweeper polls this minute already. */
  "sweeper_in_charge",
] as const;

/** `POST /v1/jobs/{id}/nack`. `retry_after_ms` null: offering it again would end the same way. */
export const nackRequestSchema = z
  .object({
    worker: workerSchema,
    reason: z.enum(NACK_REASONS),
    detail: z.string().max(MAX_DETAIL_TEXT).default(""),
    retry_after_ms: z.number().int().min(0).max(MAX_RETRY_MS).nullable(),
  })
  .strict();
export type NackRequest = z.infer<typeof nackRequestSchema>;

/** How a job ended, ready to be told to the coordinator; `nack` null: it is acknowledged. */
export const jobAnswerSchema = z.object({
  id: claimedJobSchema.shape.id,
  nack: nackRequestSchema.omit({ worker: true }).nullable(),
});
export type JobAnswer = z.infer<typeof jobAnswerSchema>;
