import { z } from "zod";
import { ATTEMPT_REASONS, type AttemptReason } from "../contracts/backfill.ts";
import { type Tier, TIERS } from "../domain/tier.ts";
import { DAY_MS, type EpochMs, HOUR_MS, toIso } from "../domain/time.ts";
import {
  LETTER_COLUMNS,
  type LetterStatus,
  parseLetter,
  type StoredLetter,
} from "./dead-letter-row.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

/** The letter of an id; null when there is none. */
export async function readLetter(sql: SqlClient, id: string): Promise<StoredLetter | null> {
  const { rows } = await sql.query({
    text: `select ${LETTER_COLUMNS} from backfill_jobs where id = $1 and died_at is not null`,
    params: [id],
  });
  const [row] = rows;
  return row === undefined ? null : parseLetter(row);
}

/** Which letters are read, by death, newest first: those behind `after`; null: of every tier, for every reason. */
export interface LettersQuery {
  readonly status: LetterStatus;
  readonly tier: Tier | null;
  readonly reason: AttemptReason | null;
  readonly after: { readonly diedMs: EpochMs; readonly id: string } | null;
  readonly limit: number;
}

/**
 * One page of letters. A letter that dies again meanwhile moves to the front: no page shows it twice.
 */
export async function readLetters(sql: SqlClient, query: LettersQuery): Promise<StoredLetter[]> {
  const { status, tier, reason, after, limit } = query;
  const { rows } = await sql.query({
    text: `select ${LETTER_COLUMNS} from backfill_jobs
      where status = $1 and ($2::text is null or tier = $2::text) and ($3::text is null or reason = $3::text)
        and ($4::timestamptz is null or (died_at, id) < ($4::timestamptz, $5::text))
      order by died_at desc, id desc limit $6::integer`,
    params: [
      status,
      tier,
      reason,
      after === null ? null : toIso(after.diedMs),
      after?.id ?? "",
      limit,
    ],
  });
  return rows.map(parseLetter);
}

/** The dead letters of a tier, the oldest death first. */
export async function readOldestDead(
  sql: SqlClient,
  tier: Tier,
  limit: number,
): Promise<StoredLetter[]> {
  const { rows } = await sql.query({
    text: `select ${LETTER_COLUMNS} from backfill_jobs
      where tier = $1 and status = 'dead' order by died_at, id limit $2::integer`,
    params: [tier, limit],
  });
  return rows.map(parseLetter);
}

const depthRow = z.object({ tier: z.enum(TIERS), letters: z.number().int() });

/** How many letters of each tier are dead; every tier is named. */
export async function countDead(sql: SqlClient): Promise<Record<Tier, number>> {
  const { rows } = await sql.query({
    text: `select tier, count(*)::integer as letters from backfill_jobs where status = 'dead' group by tier`,
    params: [],
  });
  const counts = { T0: 0, T1: 0, T2: 0 };
  for (const row of rows) {
    const { tier, letters } = depthRow.parse(row);
    counts[tier] = letters;
  }
  return counts;
}

/** How long ago a letter died, each up to the next. */
export const LETTER_AGES = ["under_1h", "under_1d", "under_7d", "older"] as const;
export type LetterAge = (typeof LETTER_AGES)[number];

/** Dead letters by tier, reason and age; each of them adds up to `total`. */
export interface LetterStats {
  readonly total: number;
  readonly byTier: Readonly<Record<Tier, number>>;
  readonly byReason: Readonly<Record<AttemptReason, number>>;
  readonly byAge: Readonly<Record<LetterAge, number>>;
  readonly oldestMs: EpochMs | null;
}

const statsRow = z.object({
  tier: z.enum(TIERS),
  reason: z.enum(ATTEMPT_REASONS),
  age: z.enum(LETTER_AGES),
  letters: z.number().int(),
  oldest: instantMs,
});

/** Counts the letters that are dead now. */
export async function letterStats(sql: SqlClient, nowMs: EpochMs): Promise<LetterStats> {
  const { rows } = await sql.query({
    text: `select tier, reason,
        case when died_at > $1::timestamptz then 'under_1h' when died_at > $2::timestamptz then 'under_1d'
          when died_at > $3::timestamptz then 'under_7d' else 'older' end as age,
        count(*)::integer as letters, min(died_at) as oldest
      from backfill_jobs where status = 'dead' group by 1, 2, 3`,
    params: [HOUR_MS, DAY_MS, 7 * DAY_MS].map((ageMs) => toIso(nowMs - ageMs)),
  });
  const byTier = { T0: 0, T1: 0, T2: 0 };
  const byReason = { malformed: 0, bad_request: 0, not_found: 0, implausible: 0, unserved: 0 };
  const byAge = { under_1h: 0, under_1d: 0, under_7d: 0, older: 0 };
  let total = 0;
  let oldestMs: EpochMs | null = null;
  for (const row of rows) {
    const { tier, reason, age, letters, oldest } = statsRow.parse(row);
    byTier[tier] += letters;
    byReason[reason] += letters;
    byAge[age] += letters;
    total += letters;
    oldestMs = Math.min(oldestMs ?? oldest, oldest);
  }
  return { total, byTier, byReason, byAge, oldestMs };
}
