import { withoutPlaces } from "../contracts/flush-parts.ts";
import type { Flush } from "../contracts/flush.ts";
import { type EpochMs, toIso } from "../domain/time.ts";
import { dailyStatement } from "./daily-statement.ts";
import { flushStatement } from "./flush-statement.ts";
import { utcDay, yearPartitions } from "./partition-store.ts";
import { quotesStatement } from "./quotes-statement.ts";
import { parkStatement, type RefusedEntry } from "./park-store.ts";
import type { SqlClient, SqlStatement } from "./sql-client.ts";

/** Keeps a request below the endpoint's 64 MB: a flush of 512 KB is about 1 MB when bound. */
export const MAX_DRAIN_FLUSHES = 32;

/**
 * Stores consecutive flushes of one stream, oldest first, in one transaction: all or none, once and in order
 * whoever sends them. Resolves when they are committed. Rejects as `classifySqlError` says, `already_drained`
 * meaning that an earlier try committed. Throws a RangeError for a batch that can't be one.
 *
 * Flushes of class `quotes` may have left the log unsent: `afterFs` is how far the stream was drained, and what
 * lies between it and the batch counts as drained with it. Of bars not one may be missing.
 *
 * `refused` names entries of a single flush that are parked instead of stored, in the same transaction.
 */
export async function drainFlushes(
  sql: SqlClient,
  flushes: readonly Flush[],
  afterFs?: number,
  refused: readonly RefusedEntry[] = [],
): Promise<void> {
  await sql.transaction(drainStatements(flushes, afterFs, refused));
}

/**
 * Stores the entries of a flush and takes them back: rejects as `classifySqlError` says, `trial_good` meaning
 * that Postgres would take all of them.
 */
export async function tryOutFlush(sql: SqlClient, flush: Flush): Promise<void> {
  await sql.transaction([
    ...partitionStatements([flush]),
    ...storeStatements(flush),
    { text: "select drain_trial_end()", params: [] },
  ]);
}

function drainStatements(
  flushes: readonly Flush[],
  afterFs: number | undefined,
  refused: readonly RefusedEntry[],
): SqlStatement[] {
  const first = flushes[0];
  const last = flushes.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("nothing to drain");
  if (flushes.length > MAX_DRAIN_FLUSHES) {
    throw new RangeError(`more than ${MAX_DRAIN_FLUSHES} flushes in one drain`);
  }
  flushes.forEach((flush, index) => requireNext(first, flush, flushes[index - 1]));

  const stream = [first.group, first.class, first.epoch] as const;
  const mayMiss = first.class === "quotes" && afterFs !== undefined;
  const fromFs = mayMiss ? afterFs + 1 : first.fs;
  const statements: SqlStatement[] = [
    {
      text: "select drain_begin($1::integer, $2, $3, $4::bigint, $5::bigint)",
      params: [...stream, fromFs, last.fs],
    },
  ];
  if (refused.length > 0) {
    if (flushes.length > 1) throw new RangeError("entries are parked of one flush at a time");
    const left = withoutPlaces(first, refused);
    statements.push(...partitionStatements([left]), ...storeStatements(left));
    statements.push(parkStatement(first, refused));
  } else {
    statements.push(...partitionStatements(flushes), ...flushes.flatMap(storeStatements));
  }
  // A flush without a watermark expects nothing and says nothing about how far the group is.
  const watermark = flushes.findLast((flush) => flush.watermark !== null)?.watermark ?? null;
  const daily = flushes.findLast((flush) => flush.watermark_1d !== null)?.watermark_1d ?? null;
  statements.push({
    text: `select drain_end($1::integer, $2, $3, $4::bigint, $5::timestamptz, $6::timestamptz, $7::timestamptz)`,
    params: [...stream, last.fs, toIso(last.as_of), isoOrNull(watermark), isoOrNull(daily)],
  });
  return statements;
}

/** What makes the partitions that the flushes are stored in. */
function partitionStatements(flushes: readonly Flush[]): SqlStatement[] {
  const statements: SqlStatement[] = [];
  const bars = daysOf(flushes.flatMap((flush) => flush.rows.map((row) => row[1])));
  if (bars.length > 0) {
    statements.push({
      text: "select ensure_day_partitions(day, day) from unnest($1::date[]) day",
      params: [bars],
    });
  }
  const quotes = daysOf(flushes.flatMap((flush) => flush.quotes.map((row) => row[1])));
  if (quotes.length > 0) {
    statements.push({
      text: "select ensure_quote_partitions(day, day) from unnest($1::date[]) day",
      params: [quotes],
    });
  }
  const dates = flushes.flatMap((flush) => flush.daily.map((row) => row[1]));
  return dates.length > 0 ? [...statements, yearPartitions(dates)] : statements;
}

/** What stores the entries of a flush; none when it holds none. */
function storeStatements(flush: Flush): SqlStatement[] {
  return [
    ...(flush.rows.length > 0 || flush.gaps.length > 0 ? [flushStatement(flush)] : []),
    ...(flush.daily.length > 0 ? [dailyStatement(flush)] : []),
    ...(flush.quotes.length > 0 ? [quotesStatement(flush)] : []),
  ];
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}

function daysOf(instants: readonly EpochMs[]): string[] {
  return [...new Set(instants.map(utcDay))];
}

function requireNext(first: Flush, flush: Flush, before: Flush | undefined): void {
  if (flush.group !== first.group || flush.class !== first.class || flush.epoch !== first.epoch) {
    throw new RangeError("a drain is of one stream and epoch");
  }
  const hasBars = flush.rows.length + flush.gaps.length > 0;
  if (flush.class === "bars" ? flush.quotes.length > 0 : hasBars) {
    throw new RangeError(`a flush of class ${flush.class} holds something else`);
  }
  if (before !== undefined && (flush.fs !== before.fs + 1 || flush.as_of <= before.as_of)) {
    throw new RangeError(`flush ${flush.fs} does not follow ${before.fs}`);
  }
}
