import { MAX_COVERAGE_CELLS } from "../contracts/coverage.ts";
import type { Calendar, TradingSession } from "../domain/calendar.ts";
import type { Coverage } from "../domain/coverage.ts";
import type { RangeSet } from "../domain/range.ts";
import { DAY_MS, floorToMinute, MINUTE_MS, type EpochMs, type TimeRange } from "../domain/time.ts";

/** One page holds the minutes of 25 sessions: a month has 23 at most. */
const MAX_NO_TRADE_DAYS = 31;

/** A minute of a symbol. */
export interface SymbolMinute {
  readonly symbol: string;
  readonly ts: EpochMs;
}

/** The minutes of a session that are asked about, for a symbol. */
export interface SymbolWindow {
  readonly symbol: string;
  readonly session: TradingSession;
  readonly window: TimeRange;
}

/** What is known of them; `sinceMs` null: the symbol is owed no minutes. */
export interface CoveredWindow extends SymbolWindow {
  readonly sinceMs: EpochMs | null;
  readonly coverage: Coverage;
}

/**
 * What has to be asked to know which of the regular minutes of a range, ended by `nowMs`, had no trade; null when
 * it is more than one answer holds.
 */
export function noTradeQuestions(
  symbols: readonly string[],
  range: TimeRange,
  calendar: Calendar,
  nowMs: EpochMs,
): SymbolWindow[] | null {
  if (range.endMs - range.startMs > MAX_NO_TRADE_DAYS * DAY_MS) return null;
  const endedMs = Math.min(range.endMs, floorToMinute(nowMs));
  const sessions = calendar.sessionsBetween(range.startMs, endedMs);
  if (sessions.length * symbols.length > MAX_COVERAGE_CELLS) return null;
  return sessions.flatMap((session) => {
    const window = {
      startMs: Math.max(session.openMs, range.startMs),
      endMs: Math.min(session.closeMs, endedMs),
    };
    return symbols.map((symbol) => ({ symbol, session, window }));
  });
}

/**
 * The minutes that are known to have had no trade: expected, ended, without a bar, and neither missing nor pending.
 * Only of windows that a symbol is owed whole; before that a minute without a bar is unknown. Null when the bars
 * lack one that was counted: they were read as of an earlier time, by which a minute without a bar proves nothing.
 */
export function noTradeMinutes(
  rows: readonly CoveredWindow[],
  bars: readonly SymbolMinute[],
): SymbolMinute[] | null {
  const bySymbol = Map.groupBy(bars, ({ symbol }) => symbol);
  const minutes: SymbolMinute[] = [];
  for (const { symbol, window, sinceMs, coverage } of rows) {
    if (sinceMs === null || sinceMs > window.startMs) continue;
    const own = (bySymbol.get(symbol) ?? []).filter((bar) => isIn(bar.ts, window));
    if (own.length < coverage.got) return null;
    const withBar = new Set(own.map(({ ts }) => ts));
    for (let ts = window.startMs; ts < window.endMs; ts += MINUTE_MS) {
      const isOpen = isInAny(ts, coverage.missingRanges) || isInAny(ts, coverage.pendingRanges);
      if (!isOpen && !withBar.has(ts)) minutes.push({ symbol, ts });
    }
  }
  return minutes;
}

function isInAny(ts: EpochMs, ranges: RangeSet): boolean {
  return ranges.some((range) => isIn(ts, range));
}

function isIn(ts: EpochMs, { startMs, endMs }: TimeRange): boolean {
  return ts >= startMs && ts < endMs;
}
