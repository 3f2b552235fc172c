import { z } from "zod";
import type { SymbolRange } from "../contracts/backfill.ts";
import { STREAM_CLASSES, type StreamClass } from "../contracts/flush.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient } from "./sql-client.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

const cursorRow = z
  .object({
    group: z.number().int(),
    class: z.enum(STREAM_CLASSES),
    epoch: z.string(),
    fs: exactInteger,
    as_of: instantMs,
    watermark_1m: instantMs.nullable(),
    watermark_1d: instantMs.nullable(),
  })
  .transform((row) => ({
    group: row.group,
    class: row.class,
    epoch: row.epoch,
    fs: row.fs,
    asOfMs: row.as_of,
    watermark1mMs: row.watermark_1m,
    watermark1dMs: row.watermark_1d,
  }));

/**
 * How far Postgres is complete for a stream: its last stored flush, the knowledge time up to which reads are
 * repeatable, and the common watermarks (complete before; null while nothing was expected).
 */
export type GroupCursor = z.infer<typeof cursorRow>;

/** The cursors of some groups, by group and class; a group without a drained flush has none. */
export async function readCursors(
  sql: SqlClient,
  groups: readonly number[],
): Promise<GroupCursor[]> {
  const { rows } = await sql.query({
    text: `select "group", class, epoch, fs, as_of, watermark_1m, watermark_1d from group_cursor
      where "group" = any($1::smallint[]) order by "group", class`,
    params: [groups],
  });
  return rows.map((row) => cursorRow.parse(row));
}

/** A stream at a flush, and the knowledge time that all its later flushes will exceed. */
export interface AsOfPromise {
  readonly group: number;
  readonly class: StreamClass;
  readonly epoch: string;
  readonly fs: number;
  readonly asOfMs: EpochMs;
}

/**
 * Raises the stream's `as_of`, if `epoch` and `fs` are still the stored ones, or the epoch is a later one
 * without a flush. Answers the stored `as_of` afterwards, raised or not (it never goes back): the stream's
 * horizon. Null when Postgres knows nothing of the stream, which should stand at a flush.
 */
export async function raiseAsOf(sql: SqlClient, promise: AsOfPromise): Promise<EpochMs | null> {
  const { rows } = await sql.query({
    text: "select raise_as_of($1::integer, $2, $3, $4::bigint, $5::timestamptz) as as_of",
    params: [promise.group, promise.class, promise.epoch, promise.fs, toIso(promise.asOfMs)],
  });
  return z.object({ as_of: instantMs.nullable() }).parse(rows[0]).as_of;
}

/** Ranges of a group's holes that one read takes at most. */
const MAX_STORED_HOLES = 50_000;

const holeRow = z
  .object({ symbol: z.string(), from_ts: instantMs, to_ts: instantMs })
  .transform((row) => ({ symbol: row.symbol, startMs: row.from_ts, endMs: row.to_ts }));

/** The holes of a group's symbols as Postgres has them, newest first; at most 50,000 ranges. */
export async function readStoredHoles(sql: SqlClient, group: number): Promise<SymbolRange[]> {
  const { rows } = await sql.query({
    text: `select c.symbol, lower(hole) as from_ts, upper(hole) as to_ts
      from symbol_universe u
      join ingestion_cursor c on c.symbol = u.symbol and c.interval = '1m'
      cross join lateral unnest(c.holes) as hole
      where u."group" = $1::integer order by 2 desc limit $2::integer`,
    params: [group, MAX_STORED_HOLES],
  });
  return rows.map((row) => holeRow.parse(row));
}
