import { z } from "zod";
import type { Flush } from "../contracts/flush.ts";
import { FLUSH_PARTS, type FlushPlace } from "../contracts/flush-parts.ts";
import { toIso, type EpochMs } from "../domain/time.ts";
import type { SqlClient, SqlStatement } from "./sql-client.ts";
import type { SqlFault } from "./sql-error.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

const MAX_BODY_CHARS = 2_000;

/** An entry of a flush that Postgres refuses, and why. */
export interface RefusedEntry extends FlushPlace {
  readonly fault: SqlFault;
}

/** The statement that parks entries of a flush. The same entries twice are parked once. */
export function parkStatement(flush: Flush, refused: readonly RefusedEntry[]): SqlStatement {
  const bodyOf = ({ part, place }: FlushPlace) => JSON.stringify(flush[part][place]);
  return {
    text: `insert into parked_rows
  ("group", class, epoch, fs, part, place, symbol, body, sqlstate, reason, as_of)
select $1::integer, $2, $3, $4::bigint, p.part, p.place, p.symbol, p.body, p.sqlstate, p.reason, $5::timestamptz
from unnest($6::text[], $7::integer[], $8::text[], $9::text[], $10::text[], $11::text[])
  as p (part, place, symbol, body, sqlstate, reason)
on conflict do nothing`,
    params: [
      flush.group,
      flush.class,
      flush.epoch,
      flush.fs,
      toIso(flush.as_of),
      refused.map(({ part }) => part),
      refused.map(({ place }) => place),
      refused.map(({ part, place }) => storable(flush[part][place]?.[0] ?? "")),
      refused.map((entry) => bodyOf(entry).slice(0, MAX_BODY_CHARS)),
      refused.map(({ fault }) => fault.sqlstate ?? ""),
      refused.map(({ fault }) => storable(fault.message)),
    ],
  };
}

/** Text as a column takes it: no NUL, no half of a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll("\u0000", "\uFFFD").toWellFormed();
}

const parkedRow = z
  .object({
    group: z.number().int(),
    class: z.string(),
    epoch: z.string(),
    fs: exactInteger,
    part: z.enum(FLUSH_PARTS),
    place: z.number().int(),
    symbol: z.string(),
    body: z.string(),
    sqlstate: z.string(),
    reason: z.string(),
    as_of: instantMs,
  })
  .transform(({ as_of: asOfMs, ...same }) => ({ ...same, asOfMs }));

/** A parked entry: the flush it was in, its text as it was sent (JSON), and why it was refused. */
export type ParkedRow = z.infer<typeof parkedRow>;

/** Where a page of parked entries ends: knowledge time and name of its last one. */
export interface ParkedPlace {
  readonly asOfMs: EpochMs;
  readonly name: string;
}

/** The name of a parked entry: with its knowledge time it orders the list. */
export function parkedName({ group, class: of, epoch, fs, part, place }: ParkedRow): string {
  return [group, of, epoch, fs, part, place].join(" ");
}

/** Parked entries, newest first, behind `after` when that is given; at most `limit`. */
export async function readParked(
  sql: SqlClient,
  limit: number,
  after?: ParkedPlace,
): Promise<ParkedRow[]> {
  const name = `concat_ws(' ', "group", class, epoch, fs, part, place) collate "C"`;
  const { rows } = await sql.query({
    text: `select "group", class, epoch, fs, part, place, symbol, body, sqlstate, reason, as_of
      from parked_rows
      where $1::timestamptz is null or (as_of, ${name}) < ($1::timestamptz, $2)
      order by as_of desc, ${name} desc limit $3::integer`,
    params: [after === undefined ? null : toIso(after.asOfMs), after?.name ?? "", limit],
  });
  return rows.map((row) => parkedRow.parse(row));
}
