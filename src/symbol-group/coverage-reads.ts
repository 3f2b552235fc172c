import type { CoverageCell, CoverageWindow } from "../contracts/coverage.ts";
import { countCoverage } from "../domain/coverage.ts";
import { type MinuteState, minuteState } from "../domain/minute-state.ts";
import type { EpochMs } from "../domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../domain/time.ts";
import type { GroupView } from "../domain/watermark.ts";

/**
 * Counts the minutes of each window that have ended by `nowMs`, symbol by symbol, from the beliefs.
 * Windows before `keptFromMs` are not counted: their beliefs are gone; nor is what a symbol is not owed:
 * the history lane may have stored some of it. Symbols that the group does not
 * know are left out.
 */
export function readCoverage(
  windows: readonly CoverageWindow[],
  view: GroupView,
  keptFromMs: EpochMs,
  nowMs: EpochMs,
): CoverageCell[] {
  return windows.flatMap((window) => {
    const members = window.symbols.flatMap((symbol) => {
      const slot = view.roster.slotOf(symbol);
      return slot === undefined ? [] : [{ symbol, slot }];
    });
    const isKept = window.startMs >= keptFromMs;
    const slots = members.map(({ slot }) => slot);
    const states = isKept ? statesOf(window, slots, view, nowMs) : null;
    return members.map(({ symbol, slot }, index) => ({
      symbol,
      startMs: window.startMs,
      sinceMs: view.roster.expectedFrom(slot),
      coverage:
        states === null || !isOwedAny(view.roster.expectedFrom(slot), window.endMs)
          ? null
          : countCoverage(window.startMs, states[index] ?? []),
    }));
  });
}

function isOwedAny(owedFromMs: EpochMs | null, endMs: EpochMs): boolean {
  return owedFromMs !== null && owedFromMs < endMs;
}

/** The states of these slots, minute by minute from the start of the window; each minute is read once. */
function statesOf(
  window: CoverageWindow,
  slots: readonly number[],
  view: GroupView,
  nowMs: EpochMs,
): (MinuteState | null)[][] {
  const states = slots.map((): (MinuteState | null)[] => []);
  const endMs = Math.min(window.endMs, floorToMinute(nowMs));
  for (let ts = window.startMs; ts < endMs; ts += MINUTE_MS) {
    const isExpected = view.calendar.isExpectedMinute(ts);
    const beliefs = view.beliefsAt(ts);
    slots.forEach((slot, index) =>
      states[index]?.push(
        isExpected && view.roster.expects(slot, ts)
          ? minuteState(beliefs.get(slot), ts, nowMs, view.settleDelayMs)
          : null,
      ),
    );
  }
  return states;
}
