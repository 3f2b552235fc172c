import { z } from "zod";
import type { ProviderId } from "../domain/provider-id.ts";
import type { DateRange, Split } from "../domain/split.ts";
import { splitChanges } from "../domain/split-changes.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { LOCK_HORIZON } from "./lock-horizon.ts";
import type { SqlClient } from "./sql-client.ts";
import { instantMs } from "./sql-values.ts";

/** Symbols of one statement. */
const MAX_STATEMENT_SYMBOLS = 1_000;

/** A symbol's split; `factor`: new shares for an old one, see `splitFactor`. */
export interface KnownSplit {
  readonly symbol: string;
  readonly exDate: TradingDate;
  readonly factor: number;
}

const knownRow = z
  .object({ symbol: z.string(), ex_date: z.string(), factor: z.number() })
  .transform(({ ex_date: exDate, ...row }): KnownSplit => ({ ...row, exDate }));

/**
 * The splits of these symbols that were known at `asOfMs` and not withdrawn; also those announced for a date that has
 * not come. By symbol and date within each statement, of a thousand symbols.
 */
export async function readSplits(
  sql: SqlClient,
  symbols: readonly string[],
  asOfMs: EpochMs,
): Promise<KnownSplit[]> {
  const parts = Array.from({ length: Math.ceil(symbols.length / MAX_STATEMENT_SYMBOLS) }, (_, n) =>
    symbols.slice(n * MAX_STATEMENT_SYMBOLS, (n + 1) * MAX_STATEMENT_SYMBOLS),
  );
  const answers = await Promise.all(parts.map((part) => readSome(sql, part, asOfMs)));
  return answers.flat();
}

async function readSome(
  sql: SqlClient,
  symbols: readonly string[],
  asOfMs: EpochMs,
): Promise<KnownSplit[]> {
  const { rows } = await sql.query({
    text: `select symbol, ex_date::text as ex_date, factor from (
        select distinct on (symbol, ex_date) symbol, ex_date, factor, cancelled from (
          select symbol, ex_date, factor, cancelled, as_of from corporate_actions
          where symbol = any($1::text[]) and kind = 'split' and as_of <= $2::timestamptz
          union all
          select symbol, ex_date, factor, cancelled, as_of from corporate_actions_revisions
          where symbol = any($1::text[]) and kind = 'split' and as_of <= $2::timestamptz
        ) told order by symbol, ex_date, as_of desc
      ) known where not cancelled order by symbol, ex_date`,
    params: [symbols, toIso(asOfMs)],
  });
  return rows.map((row) => knownRow.parse(row));
}

const readRow = z
  .object({ from_date: z.string(), through_date: z.string(), asked_at: instantMs })
  .transform((row) => ({
    from: row.from_date,
    through: row.through_date,
    askedAtMs: row.asked_at,
  }));

/** The dates that a source has answered for, and when it was last asked; null when it never was. */
export async function lastSplitsRead(
  sql: SqlClient,
  source: ProviderId,
): Promise<z.output<typeof readRow> | null> {
  const { rows } = await sql.query({
    text: `select from_date::text as from_date, through_date::text as through_date, asked_at
      from corporate_action_reads where kind = 'split' and source = $1`,
    params: [source],
  });
  return readRow.optional().parse(rows[0]) ?? null;
}

/** A source's whole list of splits of some dates. */
export interface SplitsWrite extends DateRange {
  readonly source: ProviderId;
  readonly splits: readonly Split[];
  readonly askedAtMs: EpochMs;
  readonly nowMs: EpochMs;
}

/** How many splits a list has changed; `isDoubted`: it lacked too many for any to be withdrawn. */
export interface SplitsWritten {
  readonly put: number;
  readonly withdrawn: number;
  readonly isDoubted: boolean;
}

const storedRow = z
  .object({
    symbol: z.string(),
    ex_date: z.string(),
    split_from: z.number(),
    split_to: z.number(),
    source: z.string(),
    cancelled: z.boolean(),
  })
  .transform(({ ex_date: exDate, split_from: from, split_to: to, ...row }) => ({
    ...row,
    exDate,
    from,
    to,
  }));

/** An older answer changes nothing. The row that it locks puts writers in order. */
const CLAIM_SQL = `
insert into corporate_action_reads as r (kind, source, from_date, through_date, asked_at)
values ('split', $1, $2::date, $3::date, $4::timestamptz)
on conflict (kind, source) do update set
  from_date = least(r.from_date, excluded.from_date),
  through_date = greatest(r.through_date, excluded.through_date),
  asked_at = excluded.asked_at
where r.asked_at < excluded.asked_at`;

const IS_NEWEST = `exists (
  select from corporate_action_reads r
  where r.kind = 'split' and r.source = $1 and r.asked_at = $2::timestamptz
)`;

const PUT_SQL = `
insert into corporate_actions as c (
  symbol, ex_date, kind, split_from, split_to, source, as_of, asked_at
)
select s.symbol, s.ex_date, 'split', s.split_from, s.split_to, $1, known_from($3::timestamptz), $2::timestamptz
from unnest($4::text[], $5::date[], $6::float8[], $7::float8[])
  as s (symbol, ex_date, split_from, split_to)
where ${IS_NEWEST}
on conflict (symbol, ex_date, kind) do update set
  split_from = excluded.split_from, split_to = excluded.split_to, source = excluded.source,
  cancelled = false, as_of = excluded.as_of, asked_at = excluded.asked_at, revision = c.revision + 1
where (c.split_from, c.split_to, c.cancelled) is distinct from (excluded.split_from, excluded.split_to, false)`;

const WITHDRAW_SQL = `
update corporate_actions c set
  cancelled = true, as_of = known_from($3::timestamptz), asked_at = $2::timestamptz, revision = c.revision + 1
from unnest($4::text[], $5::date[]) as s (symbol, ex_date)
where c.symbol = s.symbol and c.ex_date = s.ex_date and c.kind = 'split' and c.source = $1
  and not c.cancelled and ${IS_NEWEST}`;

/**
 * Brings what is stored of these dates to what a source says of them, and writes only what differs: the same
 * list twice changes nothing, an older one neither. What it does not tell of any more is cancelled and kept.
 */
export async function storeSplits(sql: SqlClient, write: SplitsWrite): Promise<SplitsWritten> {
  const { source, from, through } = write;
  const { rows } = await sql.query({
    text: `select symbol, ex_date::text as ex_date, split_from, split_to, source, cancelled
      from corporate_actions where kind = 'split' and ex_date between $1::date and $2::date`,
    params: [from, through],
  });
  const stored = rows.map((row) => storedRow.parse(row));
  const { put, withdrawn, isDoubted } = splitChanges(stored, write.splits, source);
  const stamp = [source, toIso(write.askedAtMs), toIso(write.nowMs)] as const;
  const keys = (splits: readonly Split[]) => [
    splits.map(({ symbol }) => symbol),
    splits.map(({ exDate }) => exDate),
  ];
  const [, , putResult, withdrawResult] = await sql.transaction([
    LOCK_HORIZON,
    { text: CLAIM_SQL, params: [source, from, through, toIso(write.askedAtMs)] },
    {
      text: PUT_SQL,
      params: [...stamp, ...keys(put), put.map((split) => split.from), put.map(({ to }) => to)],
    },
    { text: WITHDRAW_SQL, params: [...stamp, ...keys(withdrawn)] },
  ]);
  return {
    put: putResult?.rowCount ?? 0,
    withdrawn: withdrawResult?.rowCount ?? 0,
    isDoubted,
  };
}
