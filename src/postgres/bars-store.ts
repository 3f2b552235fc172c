import type { SessionKind } from "../domain/calendar.ts";
import {
  INTERVAL_MS,
  type Interval,
  isRollup,
  type ReadInterval,
  type RollupInterval,
} from "../domain/interval.ts";
import type { Feed } from "../domain/provider-id.ts";
import { MINUTE_MS, toIso, type EpochMs, type TimeRange } from "../domain/time.ts";
import { beliefSql, minuteSql, type ReadTerms, type SortDirection } from "./belief-sql.ts";
import { rollupSql } from "./rollup-sql.ts";
import { blockSql } from "./row-block.ts";
import type { SqlClient, SqlParam, SqlRow } from "./sql-client.ts";
import {
  ROLLUP_BAR_BLOCK,
  type RollupBar,
  rollupBars,
  STORED_BAR_BLOCK,
  type StoredBar,
  storedBars,
} from "./stored-bar.ts";

export type { RollupBar, StoredBar } from "./stored-bar.ts";

/** The whole market, with room to grow. */
export const MAX_READ_SYMBOLS = 20_000;
/** Rows one page may hold: about 2 MB of answer. */
export const MAX_READ_ROWS = 10_000;

/** A page of believed bars: which symbols and time, as of when, and where the page begins. */
export interface PageQuery {
  readonly symbols: readonly string[];
  /** Bar starts in `[startMs, endMs)`; for a rollup both on its clock. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  /** Only what was known at this time; repeatable when it is not above the horizon. */
  readonly asOfMs: EpochMs;
  /**
   * Later than `asOfMs`: a first belief that was stored by then and came by backfill counts as known at the end of
   * its bar and the settle delay. Absent: history that was loaded later was not known (`knowledge=actual`).
   */
  readonly storedByMs?: EpochMs;
  /** Ranges of bar starts that count, such as sessions; absent: all. Of no effect on daily bars. */
  readonly within?: readonly TimeRange[] | undefined;
  /** Absent: of any feed. */
  readonly feed?: Feed | undefined;
  /** The order of a symbol's bars; symbols come in byte order. Oldest first when absent. */
  readonly sort?: SortDirection;
  /** Rows of a page, 1 to `MAX_READ_ROWS`. */
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly symbol: string; readonly ts: EpochMs };
}

/** A page of bars that are stored. */
export interface BarsQuery extends PageQuery {
  readonly interval: Interval;
}

/** A page of bars that are worked out from minutes. */
export interface RollupsQuery extends PageQuery {
  readonly interval: RollupInterval;
}

const SESSION_ORDER: Readonly<Record<SessionKind, number>> = { pre: 0, regular: 1, post: 2 };

const blockOf = (interval: ReadInterval) =>
  isRollup(interval) ? ROLLUP_BAR_BLOCK : STORED_BAR_BLOCK;

/**
 * Symbols come sorted, so those after the page are not read (an incremental sort). Only rollups have ties: two
 * sessions that share a start.
 */
function readSql(
  interval: ReadInterval,
  sort: SortDirection,
  terms: ReadTerms,
  isFirst: boolean,
): string {
  const bars = isRollup(interval)
    ? rollupSql(interval, sort, terms, isFirst)
    : `${beliefSql(interval, sort, terms, isFirst)} order by ts ${sort} limit $6::integer`;
  return `
select bar.*
from (
  select asked.symbol collate "C" as symbol, asked.bound
  from unnest($1::text[], $2::timestamptz[]) as asked (symbol, bound) order by 1
) page
cross join lateral (${bars}) bar
order by page.symbol, bar.ts ${sort} fetch first ($6::integer) rows with ties`;
}

/**
 * One page of stored bars as of a time, ordered by symbol (byte order) and start. Fewer rows than `limit` means
 * that the range is exhausted. Throws a RangeError outside the bounds.
 */
export async function readBars(sql: SqlClient, query: BarsQuery): Promise<StoredBar[]> {
  return storedBars(await readRows(sql, query));
}

/**
 * One page of bars of 5 minutes or an hour, worked out from the minutes believed as of a time; otherwise as
 * `readBars`. Two sessions may share a start (13:30 UTC lies within an hour): they come in the order of the day and
 * on the same page, which is then one row longer than `limit`.
 */
export async function readRollups(sql: SqlClient, query: RollupsQuery): Promise<RollupBar[]> {
  const bars = rollupBars(await readRows(sql, query));
  const way = query.sort === "desc" ? -1 : 1;
  return bars.toSorted((a, b) => {
    if (a.symbol !== b.symbol) return a.symbol < b.symbol ? -1 : 1;
    return way * (a.ts - b.ts || SESSION_ORDER[a.session] - SESSION_ORDER[b.session]);
  });
}

async function readRows(
  sql: SqlClient,
  query: BarsQuery | RollupsQuery,
): Promise<readonly SqlRow[]> {
  const { startMs, endMs, after, sort = "asc", interval } = query;
  if (query.symbols.length > MAX_READ_SYMBOLS) throw new RangeError("too many symbols");
  if (!(query.limit >= 1 && query.limit <= MAX_READ_ROWS)) throw new RangeError("bad page size");
  const remaining = [...new Set(query.symbols)]
    .sort()
    .filter((symbol) => after === undefined || symbol >= after.symbol);
  if (remaining.length === 0 || startMs >= endMs) return [];
  if (interval === "1m" && isOneMinute(query)) {
    // A symbol has one bar of it: the last of the page before is not asked for again.
    return await readMinute(
      sql,
      query,
      remaining.filter((symbol) => symbol !== after?.symbol),
    );
  }
  const bounds = remaining.map((symbol) => {
    const position = symbol === after?.symbol ? after.ts : undefined;
    if (sort === "desc") return toIso(Math.min(endMs, position ?? endMs));
    if (position === undefined) return toIso(startMs);
    // All minutes of a rollup that was read are behind the page; a page may also end between two rollups.
    const width = isRollup(interval) ? INTERVAL_MS[interval] : 1;
    return toIso(Math.max(startMs, Math.floor(position / width) * width + width));
  });
  const params: SqlParam[] = [
    remaining,
    bounds,
    toIso(startMs),
    toIso(endMs),
    toIso(query.asOfMs),
    query.limit,
  ];
  // How many beliefs of a symbol fill a page: who knows, if some of them may not count.
  if (!isRollup(interval)) params.push(query.feed === undefined ? query.limit : null);
  const terms = bindTerms(params, query, interval !== "1d");
  const isFirst = after === undefined;
  const text = blockSql(blockOf(interval), readSql(interval, sort, terms, isFirst));
  return (await sql.query({ text, params })).rows;
}

/** Adds what else is asked to the parameters. */
function bindTerms(params: SqlParam[], query: PageQuery, hasRanges: boolean): ReadTerms {
  const { asOfMs, storedByMs = asOfMs, feed = null, within } = query;
  const bind = (value: SqlParam | null) =>
    value === null ? null : `$${String(params.push(value))}`;
  return {
    storedBy: bind(storedByMs > asOfMs ? toIso(storedByMs) : null),
    feed: bind(feed),
    ranges: bind(hasRanges && within !== undefined ? multirangeOf(within) : null),
  };
}

/** Whether no more than one minute starts in the range, at its start. */
function isOneMinute({ startMs, endMs }: PageQuery): boolean {
  return startMs % MINUTE_MS === 0 && endMs - startMs <= MINUTE_MS;
}

async function readMinute(
  sql: SqlClient,
  query: PageQuery,
  symbols: readonly string[],
): Promise<readonly SqlRow[]> {
  const params: SqlParam[] = [symbols, toIso(query.startMs), toIso(query.asOfMs), query.limit];
  const text = blockSql(STORED_BAR_BLOCK, minuteSql(bindTerms(params, query, true)));
  return (await sql.query({ text, params })).rows;
}

function multirangeOf(ranges: readonly TimeRange[]): string {
  return `{${ranges.map(({ startMs, endMs }) => `[${toIso(startMs)},${toIso(endMs)})`).join(",")}}`;
}
