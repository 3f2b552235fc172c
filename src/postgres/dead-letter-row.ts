import { z } from "zod";
import { ATTEMPT_REASONS, holeAttemptSchema } from "../contracts/backfill.ts";
import { TIERS } from "../domain/tier.ts";
import { instantMs } from "./sql-values.ts";

/** What can have become of a dead letter. */
export const LETTER_STATUSES = ["dead", "requeued", "discarded"] as const;
export type LetterStatus = (typeof LETTER_STATUSES)[number];

/** The columns of a letter; a letter is about one symbol. */
export const LETTER_COLUMNS = `id, "group", symbols[1] as symbol, interval, from_ts, to_ts, tier, priority, attempts,
  status, reason, last_error, history, note, enqueued_at, died_at, updated_at`;

const letterRow = z
  .object({
    id: z.string(),
    group: z.number().int(),
    symbol: z.string(),
    interval: z.enum(["1m", "1d"]),
    from_ts: instantMs,
    to_ts: instantMs,
    tier: z.enum(TIERS),
    priority: z.number().int(),
    attempts: z.number().int(),
    status: z.enum(LETTER_STATUSES),
    reason: z.enum(ATTEMPT_REASONS),
    last_error: z.string(),
    history: z.array(holeAttemptSchema),
    note: z.string().nullable(),
    enqueued_at: instantMs,
    died_at: instantMs,
    updated_at: instantMs,
  })
  .transform((row) => ({
    id: row.id,
    group: row.group,
    symbol: row.symbol,
    interval: row.interval,
    startMs: row.from_ts,
    endMs: row.to_ts,
    tier: row.tier,
    priority: row.priority,
    attempts: row.attempts,
    status: row.status,
    reason: row.reason,
    lastError: row.last_error,
    history: row.history.map(({ at_ms: atMs, ...attempt }) => ({ ...attempt, atMs })),
    note: row.note,
    enqueuedMs: row.enqueued_at,
    diedMs: row.died_at,
    updatedMs: row.updated_at,
  }));

/** A dead letter as it is stored, with what became of it. Times are market time. */
export type StoredLetter = z.output<typeof letterRow>;

/** A row of `LETTER_COLUMNS`. Throws when it is none. */
export function parseLetter(row: unknown): StoredLetter {
  return letterRow.parse(row);
}
