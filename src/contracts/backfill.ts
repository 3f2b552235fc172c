import { z } from "zod";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { TIERS } from "../domain/tier.ts";
import type { GroupFetch } from "./group-fetch.ts";
import {
  jobInstantSchema,
  jobPrioritySchema,
  jobSymbolsSchema,
  MAX_JOB_SYMBOLS,
} from "./job-fields.ts";

/** Holes that one call takes: a group with more offers the rest in its next one. */
export const MAX_OFFERED_HOLES = 1_000;
/** Stored error text of a hole is cut here. */
export const MAX_HOLE_ERROR = 500;
/** Failed attempts of one hole that are remembered, the newest ones. */
export const MAX_HOLE_HISTORY = 10;

/** A symbol and the half-open range of bar starts `[startMs, endMs)` that it is about. */
export const symbolRangeSchema = z.object({
  symbol: z.string().min(1).max(20),
  startMs: jobInstantSchema,
  endMs: jobInstantSchema,
});
export type SymbolRange = z.infer<typeof symbolRangeSchema>;

/** A range that the history lane stored: whom it had it from, and where it can be read. */
export const storedRangeSchema = symbolRangeSchema.extend({
  provider: z.enum(PROVIDER_IDS),
  href: z.string().max(500),
});
export type StoredRange = z.infer<typeof storedRangeSchema>;

/** What a group's RPC verbs about holes take at once. */
export const symbolRangesSchema = z.array(symbolRangeSchema).max(MAX_OFFERED_HOLES);

/**
 * A hole as its group offers it, as an operator asks for it, or as a dead letter brings it back. The
 * range of an operator's may span many sessions; closed hours in it are passed over.
 */
export const offeredHoleSchema = symbolRangeSchema.extend({
  group: z.number().int().min(0).max(1_023),
  interval: z.enum(["1m", "1d"]),
  priority: jobPrioritySchema,
});
export type OfferedHole = z.infer<typeof offeredHoleSchema>;
export const offeredHolesSchema = z.array(offeredHoleSchema).max(MAX_OFFERED_HOLES);

/** Why a hole is worked on at all: a group missed it, a person asked for it, or it came back from the dead. */
export const HOLE_ORIGINS = ["gap", "ops", "requeue"] as const;
export type HoleOrigin = (typeof HOLE_ORIGINS)[number];

/** How many of the offered holes, counted from the first, the queue holds now; the others it refused. */
export interface OfferAnswer {
  readonly taken: number;
}

/**
 * What counts as an attempt: an answer that did not do. Waiting for credits, a provider that is away, a
 * platform reset are none.
 */
export const ATTEMPT_REASONS = [
  "malformed",
  "bad_request",
  "not_found",
  "implausible",
  "unserved",
] as const;
export type AttemptReason = (typeof ATTEMPT_REASONS)[number];

/** A failed attempt of a hole. */
export const holeAttemptSchema = z.object({
  at_ms: z.number(),
  reason: z.enum(ATTEMPT_REASONS),
  error: z.string().max(MAX_HOLE_ERROR),
});
export type HoleAttempt = z.infer<typeof holeAttemptSchema>;

/** One job of a queue: some symbols of a group over one range, at most a session long. */
export const backfillRunSchema = z
  .object({
    v: z.literal(1),
    id: z.string().min(1).max(80),
    tier: z.enum(TIERS),
    group: z.number().int().min(0).max(1_023),
    interval: z.enum(["1m", "1d"]),
    symbols: jobSymbolsSchema,
    /** Those that a person asked for: they are fetched also where the group owes them nothing. */
    wanted: z.array(z.string()).max(MAX_JOB_SYMBOLS),
    start_ms: jobInstantSchema,
    end_ms: jobInstantSchema,
    /** Earlier answers about all of it were implausible so often that one provider alone is believed. */
    believes_alone: z.boolean(),
  })
  .strict();
export type BackfillRun = z.infer<typeof backfillRunSchema>;

/**
 * Why a job left something open: an answer that did not do (an attempt), or no answer (`wait`). `wide`:
 * nobody answered anything, so every other job would fare the same now.
 */
export const openCauseSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("attempt"), reason: z.enum(ATTEMPT_REASONS), error: z.string() }),
  z.object({
    kind: z.literal("wait"),
    reason: z.enum(["no_credits", "provider_away", "lost"]),
    wide: z.boolean(),
    error: z.string(),
  }),
]);
export type OpenCause = z.infer<typeof openCauseSchema>;

/** How a job ended: what of it is still open, and why; an empty list is a success. */
export const backfillEndSchema = z.object({
  open: z.array(symbolRangeSchema).max(MAX_JOB_SYMBOLS * 1_000),
  cause: openCauseSchema.nullable(),
});
export type BackfillEnd = z.infer<typeof backfillEndSchema>;

/** A hole of a queue, for the operator. Times are market time, ms. */
export interface ListedHole {
  readonly id: number;
  readonly group: number;
  readonly symbol: string;
  readonly interval: "1m" | "1d";
  readonly startMs: number;
  readonly endMs: number;
  readonly priority: number;
  readonly origin: HoleOrigin;
  readonly state: "queued" | "running" | "dead";
  readonly attempts: number;
  readonly enqueuedMs: number;
  /** When it is tried next; of a running one, until when its lease lasts. */
  readonly dueMs: number;
  readonly lastError: string | null;
}

/** A page of a queue's holes in the order in which they are run. */
export interface HolePage {
  readonly holes: readonly ListedHole[];
  /** Where the next page begins; null when this was the last one. */
  readonly next: number | null;
}

/** How a queue is doing. Times are market time, ms. */
export interface QueueStatus {
  readonly depth: number;
  readonly cap: number;
  readonly running: number;
  /** Dead holes whose letters Postgres has not confirmed. */
  readonly unconfirmed: number;
  readonly oldestMs: number | null;
  /** Nothing is started before: credits are used up, or nobody can be asked. */
  readonly pause: { readonly untilMs: number; readonly reason: string } | null;
}

/**
 * What a group says of a job when it begins: what to ask the providers for, null when nothing of it is
 * open any more; and the symbols whose bars go straight to Postgres, because the range is older than the
 * group's beliefs or not owed to it.
 */
export interface BackfillPlan {
  readonly fetch: GroupFetch | null;
  readonly stored: readonly string[];
}
