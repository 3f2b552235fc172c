import type { GapEvent } from "../contracts/flush.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import {
  intersectRanges,
  type RangeSet,
  rangesOfMinutes,
  subtractRanges,
  unionRanges,
} from "../domain/range.ts";
import type { Roster } from "../domain/roster.ts";
import type { EpochMs } from "../domain/time.ts";

/** Minutes by slot, ascending. */
export type MinutesBySlot = ReadonlyMap<number, readonly EpochMs[]>;

/**
 * The open holes of a group: for each slot the expected minutes that no answer has settled in time.
 * A hole is opened and filled once each; both make a gap event, and nothing else forgets it.
 */
export class HoleBook {
  #holes: Map<number, RangeSet>;
  #touched = new Set<number>();

  constructor(holes: Iterable<readonly [number, RangeSet]>) {
    this.#holes = new Map(holes);
  }

  /** Opens what is missing and not open yet. */
  open(missing: MinutesBySlot, roster: Roster): GapEvent[] {
    const events: GapEvent[] = [];
    for (const [slot, minutes] of missing) {
      const known = this.#holes.get(slot) ?? [];
      const opened = subtractRanges(rangesOfMinutes(minutes), known);
      if (opened.length === 0) continue;
      this.#put(slot, unionRanges(known, opened));
      const symbol = roster.members[slot]?.symbol;
      if (symbol === undefined) continue;
      for (const range of opened)
        events.push([symbol, range.startMs, range.endMs, "open", null, null]);
    }
    return events;
  }

  /** Closes what an answer of `provider` resolved, as far as it was open. */
  fill(resolved: MinutesBySlot, roster: Roster, provider: ProviderId): GapEvent[] {
    const events: GapEvent[] = [];
    for (const [slot, minutes] of resolved) {
      const known = this.#holes.get(slot);
      if (known === undefined) continue;
      const answered = rangesOfMinutes(minutes);
      const filled = intersectRanges(known, answered);
      if (filled.length === 0) continue;
      this.#put(slot, subtractRanges(known, answered));
      const symbol = roster.members[slot]?.symbol;
      if (symbol === undefined) continue;
      for (const range of filled)
        events.push([symbol, range.startMs, range.endMs, "filled", provider, null]);
    }
    return events;
  }

  /**
   * Ends the holes in minutes that are owed no more: the symbol has left, has no minutes in its tier,
   * or is another security's. Nobody will fill them, so they are unfillable.
   */
  endUnexpected(roster: Roster): GapEvent[] {
    const events: GapEvent[] = [];
    for (const [slot, known] of this.#holes) {
      const fromMs = roster.expectedFrom(slot);
      const owed = fromMs === null ? [] : [{ startMs: fromMs, endMs: Number.MAX_SAFE_INTEGER }];
      const ended = subtractRanges(known, owed);
      const symbol = roster.members[slot]?.symbol;
      if (ended.length === 0 || symbol === undefined) continue;
      this.#put(slot, intersectRanges(known, owed));
      for (const range of ended)
        events.push([symbol, range.startMs, range.endMs, "unfillable", null, null]);
    }
    return events;
  }

  /** Slots whose holes changed since the book was read, with what is left of them. */
  changes(): [number, RangeSet][] {
    return [...this.#touched].map((slot) => [slot, this.#holes.get(slot) ?? []]);
  }

  #put(slot: number, ranges: RangeSet): void {
    if (ranges.length === 0) this.#holes.delete(slot);
    else this.#holes.set(slot, ranges);
    this.#touched.add(slot);
  }
}
