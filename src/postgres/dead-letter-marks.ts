import { z } from "zod";
import { type Death, deadLetterId } from "../contracts/dead-letter.ts";
import { subtractRanges } from "../domain/range.ts";
import { type EpochMs, type TimeRange, toIso } from "../domain/time.ts";
import {
  LETTER_COLUMNS,
  type LetterStatus,
  parseLetter,
  type StoredLetter,
} from "./dead-letter-row.ts";
import type { SqlClient } from "./sql-client.ts";

const idRow = z.object({ id: z.string() });

/**
 * Marks these deaths as decided; answers the ids of those that it changed. One that died again since it was
 * read is another death: it stays dead.
 */
export async function markLetters(
  sql: SqlClient,
  deaths: readonly Death[],
  status: Exclude<LetterStatus, "dead">,
  nowMs: EpochMs,
): Promise<string[]> {
  if (deaths.length === 0) return [];
  const { rows } = await sql.query({
    text: `update backfill_jobs known set status = $3, updated_at = $4::timestamptz
      from unnest($1::text[], $2::text[]) as death (id, died_at)
      where known.id = death.id and known.died_at = death.died_at::timestamptz and known.status = 'dead'
      returning known.id`,
    params: [
      deaths.map(({ id }) => id),
      deaths.map(({ diedMs }) => toIso(diedMs)),
      status,
      toIso(nowMs),
    ],
  });
  return rows.map((row) => idRow.parse(row).id);
}

/** What of a letter is changed; the range lies within the letter's and is not empty. */
export interface LetterEdit {
  readonly priority: number;
  readonly note: string | null;
  readonly range: TimeRange;
}

/**
 * Writes the edit over `letter` as it was read; null when it is another one by now, or not dead any more.
 * What a narrower range leaves out is still missing, so it becomes a letter of its own.
 */
const EDIT_SQL = `
with edited as (
  update backfill_jobs set priority = $2::integer, note = $3::text, from_ts = $4::timestamptz,
    to_ts = $5::timestamptz, updated_at = $6::timestamptz
  where id = $1 and status = 'dead' and died_at = $7::timestamptz and from_ts = $8::timestamptz
    and to_ts = $9::timestamptz and priority = $10::integer and note is not distinct from $11::text
  returning *
), rest as (
  insert into backfill_jobs as known (
    id, "group", symbols, interval, from_ts, to_ts, tier, priority, attempts, status, reason, last_error,
    history, note, enqueued_at, died_at, updated_at
  )
  select r.id, e."group", e.symbols, e.interval, r.from_ts::timestamptz, r.to_ts::timestamptz, e.tier,
    $10::integer, e.attempts, 'dead', e.reason, e.last_error, e.history, $11::text, e.enqueued_at, e.died_at,
    e.updated_at
  from edited e, unnest($12::text[], $13::text[], $14::text[]) as r (id, from_ts, to_ts)
  on conflict (id) do update set from_ts = excluded.from_ts, to_ts = excluded.to_ts, status = 'dead',
    died_at = greatest(known.died_at, excluded.died_at), updated_at = excluded.updated_at
)
select ${LETTER_COLUMNS} from edited`;

/** Edits a dead letter: see above. Rejects when `range` is not within the letter's. */
export async function editLetter(
  sql: SqlClient,
  letter: StoredLetter,
  edit: LetterEdit,
  nowMs: EpochMs,
): Promise<StoredLetter | null> {
  const { range } = edit;
  if (range.startMs < letter.startMs || range.endMs > letter.endMs || range.startMs >= range.endMs)
    throw new RangeError("not a part of the letter's range");
  const rest = subtractRanges([letter], [range]);
  const { rows } = await sql.query({
    text: EDIT_SQL,
    params: [
      letter.id,
      edit.priority,
      edit.note,
      toIso(range.startMs),
      toIso(range.endMs),
      toIso(nowMs),
      toIso(letter.diedMs),
      toIso(letter.startMs),
      toIso(letter.endMs),
      letter.priority,
      letter.note,
      rest.map((part) => deadLetterId({ ...letter, ...part })),
      rest.map((part) => toIso(part.startMs)),
      rest.map((part) => toIso(part.endMs)),
    ],
  });
  const [row] = rows;
  return row === undefined ? null : parseLetter(row);
}
