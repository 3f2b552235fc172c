import type { Calendar } from "../domain/calendar.ts";
import { INTERVAL_MS, isRollup } from "../domain/interval.ts";
import { type SessionChoice, sessionRanges } from "../domain/session-ranges.ts";
import { adjustForSplits, dateOfDailyBar, splitsInForce } from "../domain/adjust-for-splits.ts";
import type { EpochMs } from "../domain/time.ts";
import { FIRST_CALENDAR_YEAR } from "../domain/trading-date.ts";
import { type PageQuery, readBars, readRollups } from "../postgres/bars-store.ts";
import { readSplits } from "../postgres/splits-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import type { RollupBar, StoredBar } from "../postgres/stored-bar.ts";
import { type BarsPosition, type BarsRange, isWholeRead, sliceOf } from "./bars-slice.ts";

/** The calendar knows the sessions of the days around everything that starts here or later. */
const FIRST_READ_MS = Date.UTC(FIRST_CALENDAR_YEAR, 0, 3);

/** A page that has found nothing looks on: so many slices without a row end it, too. */
const MAX_EMPTY_SLICES = 8;

/** One page of a read. */
export interface BarsPageQuery extends Omit<BarsRange, "isWhole"> {
  readonly limit: number;
  readonly asOfMs: EpochMs;
  /** As in `PageQuery`: later than `asOfMs` for `knowledge=assumed`. */
  readonly storedByMs: EpochMs;
  readonly session: SessionChoice | undefined;
  readonly feed: PageQuery["feed"];
  readonly adjust: "raw" | "split";
}

/** Bars in the order of the answer; `next` is where the next page begins, null after the last one. */
export interface BarsPage {
  readonly bars: readonly (StoredBar | RollupBar)[];
  readonly next: BarsPosition | null;
}

/** Whether a bar was worked out from minutes. */
export function isRollupBar(bar: StoredBar | RollupBar): bar is RollupBar {
  return "sources" in bar;
}

/**
 * One page of a read: at most `limit` bars (one more when two sessions share the start of a bar), and less when the
 * range is so wide that a page can't look through it. Rejects with what the database says.
 */
export async function readBarsPage(
  sql: SqlClient,
  calendar: Calendar,
  query: BarsPageQuery,
): Promise<BarsPage> {
  // Nothing is known of a bar before it starts.
  const width = INTERVAL_MS[query.interval];
  const endMs = Math.min(query.endMs, Math.floor(query.asOfMs / width) * width + width);
  const range = { ...query, startMs: Math.max(query.startMs, FIRST_READ_MS), endMs };
  if (range.startMs >= endMs) return { bars: [], next: null };
  let { after } = query;
  for (let slices = 1; ; slices += 1) {
    const isWhole = isWholeRead(query, slices - 1);
    const page = await readSlice(sql, calendar, { ...range, after, isWhole });
    if (page.bars.length > 0 || page.next === null || slices === MAX_EMPTY_SLICES)
      return { ...page, bars: await adjusted(sql, query, page.bars) };
    after = page.next;
  }
}

async function readSlice(
  sql: SqlClient,
  calendar: Calendar,
  query: BarsPageQuery & BarsRange,
): Promise<BarsPage> {
  const { symbols, startMs, endMs, next } = sliceOf(query);
  const { interval, asOfMs, storedByMs, feed, sort, limit, after } = query;
  const asked = {
    symbols,
    startMs,
    endMs,
    asOfMs,
    storedByMs,
    feed,
    sort,
    limit,
    within:
      interval === "1d" ? undefined : sessionRanges(calendar, query.session, { startMs, endMs }),
    ...(after === undefined ? {} : { after }),
  };
  const bars = isRollup(interval)
    ? await readRollups(sql, { ...asked, interval })
    : await readBars(sql, { ...asked, interval });
  const last = bars.length >= limit ? bars.at(-1) : undefined;
  return { bars, next: last === undefined ? next : { symbol: last.symbol, ts: last.ts } };
}

/** Splits are facts of the calendar: a backtest that assumes history assumes those that are stored, too. */
async function adjusted(
  sql: SqlClient,
  { adjust, interval, asOfMs, storedByMs }: BarsPageQuery,
  bars: BarsPage["bars"],
): Promise<BarsPage["bars"]> {
  if (adjust === "raw" || bars.length === 0) return bars;
  const symbols = [...new Set(bars.map(({ symbol }) => symbol))];
  const splits = splitsInForce(await readSplits(sql, symbols, storedByMs), asOfMs);
  return interval === "1d"
    ? adjustForSplits(bars, splits, dateOfDailyBar)
    : adjustForSplits(bars, splits);
}
