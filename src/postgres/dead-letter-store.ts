import type { DeadLetter } from "../contracts/dead-letter.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";

/** Attempts of all lives of a hole that are kept, the newest: five deaths of ten attempts each. */
const MAX_KEPT_ATTEMPTS = 50;

/**
 * A later death is the same row again: dead, whatever had become of it, with the range of the letter. Attempts
 * are united as a set, so one that comes twice stands once.
 */
const STORE_SQL = `
insert into backfill_jobs as known (
  id, "group", symbols, interval, from_ts, to_ts, tier, priority, attempts, status, reason, last_error,
  history, enqueued_at, died_at, updated_at
)
select l.id, l."group", array[l.symbol], l.interval, l.from_ts::timestamptz, l.to_ts::timestamptz, l.tier,
  l.priority, l.attempts, 'dead', l.reason, l.last_error, l.history::jsonb, l.enqueued_at::timestamptz,
  l.died_at::timestamptz, $15::timestamptz
from unnest(
  $1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[],
  $9::integer[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]
) as l (
  id, "group", symbol, interval, from_ts, to_ts, tier, priority, attempts, reason, last_error, history,
  enqueued_at, died_at
)
on conflict (id) do update set
  "group" = excluded."group", from_ts = excluded.from_ts, to_ts = excluded.to_ts,
  priority = excluded.priority, attempts = excluded.attempts, status = 'dead', reason = excluded.reason,
  last_error = excluded.last_error, enqueued_at = excluded.enqueued_at, died_at = excluded.died_at,
  updated_at = excluded.updated_at,
  history = (
    select coalesce(jsonb_agg(kept.attempt order by (kept.attempt ->> 'at_ms')::float8), '[]')
    from (
      select distinct attempt, (attempt ->> 'at_ms')::float8 as at_ms
      from jsonb_array_elements(known.history || excluded.history) attempt
      order by at_ms desc limit $16::integer
    ) kept
  )
where known.died_at < excluded.died_at`;

/**
 * Stores letters in one statement. A letter whose death is not later than the stored one changes nothing, so
 * a message may come twice and late. Rejects as `classifySqlError` says; then none of them is stored.
 */
export async function storeDeadLetters(
  sql: SqlClient,
  letters: readonly DeadLetter[],
  nowMs: EpochMs,
): Promise<void> {
  const rows = onePerId(letters);
  if (rows.length === 0) return;
  const column = <T>(of: (letter: DeadLetter) => T): T[] => rows.map(of);
  await sql.query({
    text: STORE_SQL,
    params: [
      column(({ id }) => id),
      column(({ group }) => group),
      column(({ symbol }) => symbol),
      column(({ interval }) => interval),
      column(({ start_ms: ms }) => toIso(ms)),
      column(({ end_ms: ms }) => toIso(ms)),
      column(({ tier }) => tier),
      column(({ priority }) => priority),
      column(({ attempts }) => attempts),
      column(({ reason }) => reason),
      column(({ last_error: text }) => storable(text)),
      column(({ history }) =>
        JSON.stringify(history.map((each) => ({ ...each, error: storable(each.error) }))),
      ),
      column(({ enqueued_ms: ms }) => toIso(ms)),
      column(({ died_ms: ms }) => toIso(ms)),
      toIso(nowMs),
      MAX_KEPT_ATTEMPTS,
    ],
  });
}

/** The last death of each id with the attempts of all: one statement can't touch a row twice. */
function onePerId(letters: readonly DeadLetter[]): DeadLetter[] {
  const byId = new Map<string, DeadLetter>();
  for (const letter of letters.toSorted((a, b) => a.died_ms - b.died_ms)) {
    const before = byId.get(letter.id);
    const isAgain = before !== undefined && before.died_ms < letter.died_ms;
    const history = isAgain ? [...before.history, ...letter.history] : letter.history;
    byId.set(letter.id, { ...letter, history: history.slice(-MAX_KEPT_ATTEMPTS) });
  }
  return [...byId.values()];
}

/** Postgres holds neither a NUL nor half a character, and a text that was cut may end in one. */
function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}
