import { NeonDbError } from "@neondatabase/serverless";
import { z } from "zod";
import type { UniverseChange } from "../domain/universe-change.ts";
import type { UniverseRow } from "../domain/universe-row.ts";
import { groupOf } from "../domain/symbol.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { SqlClient, SqlStatement } from "./sql-client.ts";
import { toStored, toStoredChange, UNIVERSE_COLUMNS, universeRow } from "./universe-rows.ts";

/** Another refresh was written since the universe was read: read it again. */
const OUTDATED = "MDS04";

/** The universe as it is now, and the number of its last change (0: none was ever made). */
export interface StoredUniverse {
  readonly version: number;
  readonly rows: readonly UniverseRow[];
}

/** Reads every symbol, active or not, by symbol. */
export async function readUniverse(sql: SqlClient): Promise<StoredUniverse> {
  // The version first: rows that are newer than it only make the write be tried again.
  const [head, body] = await sql.transaction([
    {
      text: "select coalesce(max(version), 0)::integer as version from universe_refreshes",
      params: [],
    },
    { text: `select ${UNIVERSE_COLUMNS} from symbol_universe order by symbol`, params: [] },
  ]);
  const { version } = z.object({ version: z.number().int() }).parse(head?.rows[0]);
  return { version, rows: (body?.rows ?? []).map((row) => universeRow.parse(row)) };
}

/** What a refresh writes: the rows that differ from the stored ones, and the changes among them. */
export interface UniverseWrite {
  /** The version that it was computed from. */
  readonly version: number;
  readonly rows: readonly UniverseRow[];
  readonly changes: readonly UniverseChange[];
  readonly symbolGroups: number;
  readonly nowMs: EpochMs;
  readonly date: TradingDate;
}

/**
 * Writes a refresh in one transaction: all of it or nothing. Answers the version afterwards, one more
 * when anything changed, or null when another refresh came first and nothing was written.
 */
export async function writeUniverse(sql: SqlClient, write: UniverseWrite): Promise<number | null> {
  const statements: SqlStatement[] = [
    { text: "select universe_begin($1::integer)", params: [write.version] },
  ];
  if (write.rows.length > 0) statements.push(rowsStatement(write));
  if (write.changes.length > 0) statements.push(...versionStatements(write));
  try {
    if (statements.length > 1) await sql.transaction(statements);
  } catch (error) {
    if (error instanceof NeonDbError && error.code === OUTDATED) return null;
    throw error;
  }
  return write.version + (write.changes.length > 0 ? 1 : 0);
}

/** `sid` and `listed_on` of a known symbol stay. */
function rowsStatement({ rows, symbolGroups }: UniverseWrite): SqlStatement {
  const json = rows.map((row) => toStored(row, groupOf(row.symbol, symbolGroups)));
  return {
    text: `insert into symbol_universe as u (symbol, sid, name, exchange, type, tier, "group", active, figi,
        figi_source, source, first_seen, last_seen, reused_on, renamed_from, median_dollar_volume, absences, absent_on)
      select * from jsonb_to_recordset($1::jsonb) as r (symbol text, sid integer, name text, exchange text, type text,
        tier text, "group" smallint, active boolean, figi text, figi_source text, source text, first_seen date,
        last_seen date, reused_on date, renamed_from text, median_dollar_volume double precision, absences smallint,
        absent_on date)
      on conflict (symbol) do update set name = excluded.name, exchange = excluded.exchange, type = excluded.type,
        tier = excluded.tier, active = excluded.active, figi = excluded.figi, figi_source = excluded.figi_source,
        source = excluded.source, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
        reused_on = excluded.reused_on, renamed_from = excluded.renamed_from,
        median_dollar_volume = excluded.median_dollar_volume, absences = excluded.absences,
        absent_on = excluded.absent_on`,
    params: [JSON.stringify(json)],
  };
}

/** The version's head and its rows, as they were just written. Its time is later than that of the one before. */
function versionStatements({ version, changes, nowMs, date }: UniverseWrite): SqlStatement[] {
  return [
    {
      text: `insert into universe_refreshes (version, as_of, trading_date)
        select $1::integer, greatest($2::timestamptz, max(as_of) + interval '1 millisecond'), $3::date
        from universe_refreshes`,
      params: [version + 1, toIso(nowMs), date],
    },
    {
      text: `insert into universe_versions (version, symbol, as_of, kinds, sid, name, exchange, type, tier, active,
          figi, first_seen, renamed_from, tier_before, name_before, figi_before)
        select v.version, u.symbol, v.as_of, c.kinds, u.sid, u.name, u.exchange, u.type, u.tier, u.active,
          u.figi, u.first_seen, u.renamed_from, c.tier_before, c.name_before,
          case when c.figi_before is distinct from u.figi then c.figi_before end
        from jsonb_to_recordset($2::jsonb) as c (symbol text, kinds text[], tier_before text, name_before text,
          figi_before text)
        join symbol_universe u on u.symbol = c.symbol
        join universe_refreshes v on v.version = $1::integer`,
      params: [version + 1, JSON.stringify(changes.map(toStoredChange))],
    },
  ];
}
