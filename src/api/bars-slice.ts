import { INTERVAL_MS, isRollup, type ReadInterval } from "../domain/interval.ts";
import type { Feed } from "../domain/provider-id.ts";
import type { SessionChoice } from "../domain/session-ranges.ts";
import { DAY_MS, type EpochMs } from "../domain/time.ts";
import type { SortDirection } from "../postgres/belief-sql.ts";

/** A place in the order of an answer: everything up to this bar start of this symbol was read. */
export interface BarsPosition {
  readonly symbol: string;
  readonly ts: EpochMs;
}

/** What a read asks for in all its pages. `symbols` are distinct and in byte order. */
export interface BarsRange {
  readonly symbols: readonly string[];
  readonly interval: ReadInterval;
  /** On the clock of the interval. */
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly sort: SortDirection;
  /** Whether bars are looked at that are not answered. */
  readonly isWhole: boolean;
  readonly after: BarsPosition | undefined;
}

/** What one page reads at most, and where the next one begins when these rows do not fill it. */
export interface BarsSlice {
  readonly symbols: readonly string[];
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  /** Null: nothing is left behind the slice. */
  readonly next: BarsPosition | null;
}

/** A page looks into no more days of a symbol than this: retention keeps 365. */
const MAX_SLICE_DAYS = 400;
/** Days of symbols that a page of minutes looks into: a symbol without bars costs a probe a day. */
const MINUTE_SYMBOL_DAYS = 40_000;
/** Days of symbols of which a page looks at every minute, to roll it up or to choose from them: 160,000 minutes. */
const WHOLE_SYMBOL_DAYS = 400;
/** 24 hours of minutes are 3.7 sessions of 6.5 hours. */
const SESSIONS_OF_A_FULL_DAY = 24 / 6.5;
/** The same of daily bars: 140,000 of them. */
const WHOLE_DAILY_SYMBOL_DAYS = 200_000;

/**
 * Whether a read looks at bars that it does not answer. Few are of one feed, or of before the open or after the
 * close; and when a slice had none to answer, what it looked at is a warning of what comes.
 */
export function isWholeRead(
  {
    feed,
    session,
  }: { readonly feed: Feed | undefined; readonly session?: SessionChoice | undefined },
  emptySlices: number,
): boolean {
  return feed !== undefined || session === "pre" || session === "post" || emptySlices > 0;
}

/**
 * The part of a read that its next page looks at: some symbols over the whole range or, when that is too long, one
 * symbol over the part of it that comes first. So a page costs about the same whatever is asked for, and one that
 * finds little still says where to go on. Daily bars are few: they are never cut.
 */
export function sliceOf(range: BarsRange): BarsSlice {
  const { startMs, endMs, interval } = range;
  const remaining = remainingSymbols(range);
  const days = (endMs - startMs) / DAY_MS;
  if (interval !== "1d" && days > MAX_SLICE_DAYS) return timeSlice(range, remaining);
  const symbols = remaining.slice(0, Math.max(1, mostSymbols(range, days)));
  const last = symbols.length < remaining.length ? symbols.at(-1) : undefined;
  return { symbols, startMs, endMs, next: last === undefined ? null : endOf(range, last) };
}

/** How many symbols a page looks at over so many days. */
function mostSymbols({ interval, isWhole }: BarsRange, days: number): number {
  if (interval === "1d") return isWhole ? Math.floor(WHOLE_DAILY_SYMBOL_DAYS / days) : Infinity;
  // Any range looks into a day, and one that crosses midnight into two.
  const byProbes = Math.floor(MINUTE_SYMBOL_DAYS / Math.ceil(days + 1));
  if (!isWhole && !isRollup(interval)) return byProbes;
  // Less than a session is all minutes; a day has no more of them than its session.
  const sessions = Math.min(Math.ceil(days), days * SESSIONS_OF_A_FULL_DAY);
  return Math.min(byProbes, Math.floor(WHOLE_SYMBOL_DAYS / sessions));
}

/** The first symbol only, over what comes first of the rest of its range. */
function timeSlice(range: BarsRange, remaining: readonly string[]): BarsSlice {
  const [symbol, another] = remaining;
  if (symbol === undefined) return { ...range, symbols: [], next: null };
  const { after, sort } = range;
  const position = after?.symbol === symbol ? after.ts : undefined;
  const behind = another === undefined ? null : endOf(range, symbol);
  if (sort === "desc") {
    const endMs = Math.min(range.endMs, position ?? range.endMs);
    const startMs = Math.max(range.startMs, endMs - MAX_SLICE_DAYS * DAY_MS);
    const next = startMs > range.startMs ? { symbol, ts: startMs } : behind;
    return { symbols: [symbol], startMs, endMs, next };
  }
  const width = INTERVAL_MS[range.interval];
  const from = position === undefined ? range.startMs : Math.ceil((position + 1) / width) * width;
  const startMs = Math.max(range.startMs, from);
  const endMs = Math.min(range.endMs, startMs + MAX_SLICE_DAYS * DAY_MS);
  const next = endMs < range.endMs ? { symbol, ts: endMs - 1 } : behind;
  return { symbols: [symbol], startMs, endMs, next };
}

/** Symbols of which something is left behind `after`. */
function remainingSymbols(range: BarsRange): string[] {
  const { after } = range;
  if (after === undefined) return [...range.symbols];
  const isDone = range.sort === "asc" ? after.ts + 1 >= range.endMs : after.ts <= range.startMs;
  return range.symbols.filter(
    (symbol) => symbol > after.symbol || (symbol === after.symbol && !isDone),
  );
}

/** The place behind the last bar that a symbol may have. */
function endOf({ sort, startMs, endMs }: BarsRange, symbol: string): BarsPosition {
  return { symbol, ts: sort === "asc" ? endMs - 1 : startMs };
}
