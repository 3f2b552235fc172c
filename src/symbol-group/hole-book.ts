import type { GapEvent } from "../contracts/flush.ts";
import type { StoredRange, SymbolRange } from "../contracts/backfill.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import {
  intersectRanges,
  type RangeSet,
  rangesOfMinutes,
  subtractRanges,
  unionRanges,
} from "../domain/range.ts";
import type { Roster } from "../domain/roster.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";

/** Minutes by slot, ascending. */
export type MinutesBySlot = ReadonlyMap<number, readonly EpochMs[]>;

/**
 * The holes of one slot. `open` is all of them; of these `queued` stand in the queue of the symbol's tier,
 * and `dead` were given up by it. What is neither is still to be offered.
 */
export interface SlotHoles {
  readonly open: RangeSet;
  readonly queued: RangeSet;
  readonly dead: RangeSet;
}

/** A hole to be offered to its queue. */
export interface UnofferedHole extends TimeRange {
  readonly slot: number;
}

const NO_HOLES: SlotHoles = { open: [], queued: [], dead: [] };

/**
 * The holes of a group: for each slot the expected minutes that no answer has settled in time. Each is
 * opened and filled once; both make a gap event, as do its death, its return and its end, and nothing
 * else forgets it.
 */
export class HoleBook {
  #holes: Map<number, SlotHoles>;
  #touched = new Set<number>();

  constructor(holes: Iterable<readonly [number, SlotHoles]>) {
    this.#holes = new Map(holes);
  }

  /** Whether the minute stands in a hole of this slot, dead or not. */
  isOpen(slot: number, ts: EpochMs): boolean {
    return isIn(this.#of(slot).open, ts);
  }

  /** What of a range is open for this slot. */
  openIn(slot: number, range: TimeRange): RangeSet {
    return intersectRanges(this.#of(slot).open, [range]);
  }

  /** Holes that no queue has, and that did not die, oldest first; at most `limit`. */
  unoffered(roster: Roster, limit: number): UnofferedHole[] {
    return [...this.#holes]
      .filter(([slot]) => roster.expectedFrom(slot) !== null)
      .flatMap(([slot, { open, queued, dead }]) =>
        subtractRanges(subtractRanges(open, queued), dead).map((range) => ({ slot, ...range })),
      )
      .toSorted((a, b) => a.startMs - b.startMs || a.slot - b.slot)
      .slice(0, limit);
  }

  /** These holes stand in their queue now. */
  markQueued(holes: readonly UnofferedHole[]): void {
    for (const { slot, ...range } of holes) {
      const known = this.#of(slot);
      // It may have been filled, or have died, while the offer was on its way.
      const living = subtractRanges(intersectRanges(known.open, [range]), known.dead);
      const queued = unionRanges(known.queued, living);
      this.#put(slot, { ...known, queued });
    }
  }

  /** All that is queued is offered again: a queue takes what it holds already as it is. */
  forgetQueued(): void {
    for (const [slot, known] of this.#holes) {
      if (known.queued.length > 0) this.#put(slot, { ...known, queued: [] });
    }
  }

  /** Opens what is missing and not open yet. */
  open(missing: MinutesBySlot, roster: Roster): GapEvent[] {
    const events: GapEvent[] = [];
    for (const [slot, minutes] of missing) {
      const known = this.#of(slot);
      const opened = subtractRanges(rangesOfMinutes(minutes), known.open);
      if (opened.length === 0) continue;
      this.#put(slot, { ...known, open: unionRanges(known.open, opened) });
      events.push(...gapEvents(roster, slot, opened, "open"));
    }
    return events;
  }

  /** Closes what an answer of `provider` resolved, as far as it was open. */
  fill(resolved: MinutesBySlot, roster: Roster, provider: ProviderId): GapEvent[] {
    return [...resolved].flatMap(([slot, minutes]) => {
      const filled = this.#end(slot, rangesOfMinutes(minutes));
      return gapEvents(roster, slot, filled, "filled", provider);
    });
  }

  /** Closes what went straight to Postgres; `href` is where it can be read. */
  fillStored(ranges: readonly StoredRange[], roster: Roster): GapEvent[] {
    return ranges.flatMap(({ symbol, provider, href, ...range }) => {
      const slot = roster.slotOf(symbol);
      if (slot === undefined) return [];
      const filled = this.#end(slot, [range]);
      // What was never owed makes an event too: who follows the symbol learns that it can be read now.
      return gapEvents(
        roster,
        slot,
        filled.length > 0 ? filled : [range],
        "filled",
        provider,
        href,
      );
    });
  }

  /** What the queue gave up: dead until it is requeued or given up for good. */
  die(ranges: readonly SymbolRange[], roster: Roster): GapEvent[] {
    return ranges.flatMap(({ symbol, ...range }) => {
      const slot = roster.slotOf(symbol);
      if (slot === undefined) return [];
      const known = this.#of(slot);
      const died = subtractRanges(intersectRanges(known.open, [range]), known.dead);
      const queued = subtractRanges(known.queued, died);
      this.#put(slot, { ...known, queued, dead: unionRanges(known.dead, died) });
      return gapEvents(roster, slot, died, "dead");
    });
  }

  /** Dead holes that stand in their queue again. */
  reopen(ranges: readonly SymbolRange[], roster: Roster): GapEvent[] {
    return ranges.flatMap(({ symbol, ...range }) => {
      const slot = roster.slotOf(symbol);
      if (slot === undefined) return [];
      const known = this.#of(slot);
      const back = intersectRanges(known.dead, [range]);
      const queued = unionRanges(known.queued, back);
      this.#put(slot, { ...known, queued, dead: subtractRanges(known.dead, back) });
      return gapEvents(roster, slot, back, "open");
    });
  }

  /** What an operator gave up for good, as far as it was open; answers the ranges beside the events. */
  giveUp(
    ranges: readonly SymbolRange[],
    roster: Roster,
  ): { readonly events: GapEvent[]; readonly ended: readonly UnofferedHole[] } {
    const ended = ranges.flatMap(({ symbol, ...range }) => {
      const slot = roster.slotOf(symbol);
      return slot === undefined ? [] : this.#end(slot, [range]).map((each) => ({ slot, ...each }));
    });
    const events = ended.flatMap(({ slot, ...range }) =>
      gapEvents(roster, slot, [range], "unfillable"),
    );
    return { events, ended };
  }

  /**
   * Ends the holes in minutes that are owed no more: the symbol has left, has no minutes in its tier,
   * or is another security's. Nobody will fill them, so they are unfillable.
   */
  endUnexpected(roster: Roster): GapEvent[] {
    return [...this.#holes.keys()].flatMap((slot) => {
      const fromMs = roster.expectedFrom(slot);
      const owed = fromMs === null ? [] : [{ startMs: fromMs, endMs: Number.MAX_SAFE_INTEGER }];
      const ended = this.#end(slot, subtractRanges(this.#of(slot).open, owed));
      return gapEvents(roster, slot, ended, "unfillable");
    });
  }

  /** Every hole as it stands, for a reader that may have missed what was said of them. */
  retell(roster: Roster): { readonly open: GapEvent[]; readonly dead: GapEvent[] } {
    const holes = [...this.#holes];
    return {
      open: holes.flatMap(([slot, { open }]) => gapEvents(roster, slot, open, "open")),
      dead: holes.flatMap(([slot, { dead }]) => gapEvents(roster, slot, dead, "dead")),
    };
  }

  /** Slots whose holes changed since the book was read, with what is left of them. */
  changes(): [number, SlotHoles][] {
    return [...this.#touched].map((slot) => [slot, this.#of(slot)]);
  }

  #of(slot: number): SlotHoles {
    return this.#holes.get(slot) ?? NO_HOLES;
  }

  /** Takes these ranges out of the slot's holes; answers what of them was open. */
  #end(slot: number, ranges: RangeSet): RangeSet {
    const known = this.#holes.get(slot);
    if (known === undefined) return [];
    const ended = intersectRanges(known.open, ranges);
    if (ended.length === 0) return ended;
    this.#put(slot, {
      open: subtractRanges(known.open, ended),
      queued: subtractRanges(known.queued, ended),
      dead: subtractRanges(known.dead, ended),
    });
    return ended;
  }

  #put(slot: number, holes: SlotHoles): void {
    if (holes.open.length === 0) this.#holes.delete(slot);
    else this.#holes.set(slot, holes);
    this.#touched.add(slot);
  }
}

function gapEvents(
  roster: Roster,
  slot: number,
  ranges: RangeSet,
  kind: GapEvent[3],
  provider: ProviderId | null = null,
  href: string | null = null,
): GapEvent[] {
  const symbol = roster.members[slot]?.symbol;
  if (symbol === undefined) return [];
  return ranges.map(({ startMs, endMs }) => [symbol, startMs, endMs, kind, provider, href]);
}

/** Binary search: asked for each slot of each minute that the watermark goes over. */
function isIn(ranges: RangeSet, ts: EpochMs): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.endMs ?? 0) <= ts) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found.startMs <= ts;
}
