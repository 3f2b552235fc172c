import type { FlushRow } from "../contracts/flush.ts";
import { MAX_FLUSH_ROWS } from "../contracts/flush.ts";
import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { MinuteBeliefs } from "../domain/belief.ts";
import type { Calendar } from "../domain/calendar.ts";
import type { Roster } from "../domain/roster.ts";
import { dailyStatus, noVerdicts, takeBar, type VerdictCounts } from "../domain/take-bar.ts";
import type { EpochMs } from "../domain/time.ts";

/** What a group holds an answer of daily bars against. */
export interface DailyState {
  readonly roster: Roster;
  readonly calendar: Calendar;
  /** A private copy of the beliefs of a trading date, by its `ts`. */
  readonly beliefsAt: (ts: EpochMs) => MinuteBeliefs;
}

/** What an answer of daily bars comes to. */
export interface DailyDigest {
  /** The rows of each flush to append, oldest date first. */
  readonly flushes: readonly FlushRow[][];
  /** Dates whose beliefs moved. */
  readonly changes: readonly { readonly ts: EpochMs; readonly beliefs: MinuteBeliefs }[];
  readonly verdicts: VerdictCounts;
}

/**
 * Holds the daily bars of an answer against the beliefs, as minutes are, but for absence: a missing daily
 * bar is no hole. Pure; bars of symbols that are no members are left out.
 */
export function digestDaily(answer: DailyAnswer, state: DailyState): DailyDigest {
  const verdicts = noVerdicts();
  const rows: FlushRow[] = [];
  const changes: { ts: EpochMs; beliefs: MinuteBeliefs }[] = [];
  const byDate = [...Map.groupBy(answer.bars, (bar) => bar.ts)].toSorted(([a], [b]) => a - b);
  for (const [ts, bars] of byDate) {
    const beliefs = state.beliefsAt(ts);
    let hasMoved = false;
    for (const bar of bars) {
      const slot = state.roster.slotOf(bar.symbol);
      if (slot === undefined) continue;
      const before = beliefs.get(slot);
      const { verdict, belief, revision } = takeBar(before, bar, answer);
      verdicts[verdict] += 1;
      if (belief === before) continue;
      beliefs.set(slot, belief);
      hasMoved = true;
      if (revision === null) continue;
      const { provider, feed } = answer.source;
      rows.push([
        bar.symbol,
        ts,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.tradeCount,
        bar.vwap,
        revision,
        provider,
        feed,
        dailyStatus(revision, ts, answer.askedAt, state.calendar),
        "regular",
        answer.askedAt,
      ]);
    }
    if (hasMoved) changes.push({ ts, beliefs });
  }
  const flushes = Array.from({ length: Math.ceil(rows.length / MAX_FLUSH_ROWS) }, (_, part) =>
    rows.slice(part * MAX_FLUSH_ROWS, (part + 1) * MAX_FLUSH_ROWS),
  );
  return { flushes, changes, verdicts };
}
