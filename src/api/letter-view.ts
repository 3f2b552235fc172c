import { z } from "zod";
import { ATTEMPT_REASONS } from "../contracts/backfill.ts";
import { TIERS } from "../domain/tier.ts";
import { toIso } from "../domain/time.ts";
import { LETTER_AGES, type LetterStats } from "../postgres/dead-letter-reads.ts";
import { LETTER_STATUSES, type StoredLetter } from "../postgres/dead-letter-row.ts";

/** A dead letter as a list shows it; the range is half-open, times are market time. */
export const letterSchema = z.object({
  id: z.string(),
  status: z.enum(LETTER_STATUSES),
  tier: z.enum(TIERS),
  group: z.number(),
  symbol: z.string(),
  interval: z.enum(["1m", "1d"]),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  priority: z.number(),
  attempts: z.number(),
  reason: z.enum(ATTEMPT_REASONS),
  last_error: z.string(),
  note: z.string().nullable(),
  enqueued_at: z.iso.datetime(),
  died_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

/** All of a letter, with the failed attempts of all its lives, oldest first. */
export const fullLetterSchema = letterSchema.extend({
  history: z.array(
    z.object({ at: z.iso.datetime(), reason: z.enum(ATTEMPT_REASONS), error: z.string() }),
  ),
});

/** The letters that are dead, counted three ways, each of which adds up to `total`. */
export const letterStatsSchema = z.object({
  total: z.number(),
  by_tier: z.record(z.enum(TIERS), z.number()),
  by_reason: z.record(z.enum(ATTEMPT_REASONS), z.number()),
  by_age: z.record(z.enum(LETTER_AGES), z.number()),
  oldest_died_at: z.iso.datetime().nullable(),
});

/** A letter without its history. */
export function letterView(letter: StoredLetter): z.infer<typeof letterSchema> {
  const { id, status, tier, group, symbol, interval, priority, attempts, reason, note } = letter;
  return {
    id,
    status,
    tier,
    group,
    symbol,
    interval,
    start: toIso(letter.startMs),
    end: toIso(letter.endMs),
    priority,
    attempts,
    reason,
    last_error: letter.lastError,
    note,
    enqueued_at: toIso(letter.enqueuedMs),
    died_at: toIso(letter.diedMs),
    updated_at: toIso(letter.updatedMs),
  };
}

/** Everything that is known of a letter. */
export function fullLetterView(letter: StoredLetter): z.infer<typeof fullLetterSchema> {
  const history = letter.history.map(({ atMs, reason, error }) => ({
    at: toIso(atMs),
    reason,
    error,
  }));
  return { ...letterView(letter), history };
}

/** The statistics as the API shows them. */
export function letterStatsView(stats: LetterStats): z.infer<typeof letterStatsSchema> {
  const { total, byTier, byReason, byAge, oldestMs } = stats;
  return {
    total,
    by_tier: byTier,
    by_reason: byReason,
    by_age: byAge,
    oldest_died_at: oldestMs === null ? null : toIso(oldestMs),
  };
}
