import type { DurableObjectStorage } from "@cloudflare/workers-types";
import type { StoredRange, SymbolRange } from "../contracts/backfill.ts";
import type { GapEvent } from "../contracts/flush.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { advanceWatermark, type GroupView } from "../domain/watermark.ts";
import type { BeliefStore } from "./belief-store.ts";
import {
  type FlushDraft,
  type GroupState,
  MAX_FLUSH_GAPS,
  openHoles,
  openMinutes,
} from "./digest.ts";
import type { HoleBook, MinutesBySlot, UnofferedHole } from "./hole-book.ts";
import type { HoleStore } from "./hole-store.ts";

/** What the holes of a group live in: its ledger, as far as they concern it. */
export interface GroupHolesDeps {
  readonly storage: DurableObjectStorage;
  readonly store: HoleStore;
  readonly beliefs: BeliefStore;
  readonly view: () => GroupView;
  readonly now: () => EpochMs;
  /** Null while the group has no members. */
  readonly watermarkMs: () => EpochMs | null;
  readonly setWatermarkMs: (watermarkMs: EpochMs) => void;
  readonly append: (draft: FlushDraft) => void;
}

/**
 * The life of a group's holes beside the answers that open and fill them: offered to a queue, dead,
 * back again, given up. Each verb is one transaction and tells the stream what it changed; the same
 * verb twice changes nothing.
 */
export class GroupHoles {
  #deps: GroupHolesDeps;

  constructor(deps: GroupHolesDeps) {
    this.#deps = deps;
  }

  /**
   * Opens a hole for what is missing from `fromMs` on, from the watermark unless told. What polls do by
   * failing, a tick does where nothing is polled.
   */
  look(fromMs: EpochMs | null = this.#deps.watermarkMs()): void {
    if (fromMs !== null) this.#open((state, nowMs) => openHoles(fromMs, state, nowMs));
  }

  /** Opens a hole for these minutes, of which an audit has found that they are not complete. */
  open(minutes: MinutesBySlot): void {
    this.#open((state, nowMs) => openMinutes(minutes, state, nowMs));
  }

  #open(draw: (state: GroupState, nowMs: EpochMs) => FlushDraft[]): void {
    const { now, storage, store } = this.#deps;
    storage.transactionSync(() => {
      const holes = store.read();
      const nowMs = now();
      const watermarkMs = this.#deps.watermarkMs() ?? nowMs;
      const drafts = draw({ ...this.#deps.view(), watermarkMs, holes }, nowMs);
      if (drafts.length === 0) return;
      store.write(holes.changes());
      const reachedMs = this.#advance(holes);
      drafts.forEach((draft, index) =>
        this.#deps.append({
          ...draft,
          watermarkMs: index < drafts.length - 1 ? watermarkMs : reachedMs,
        }),
      );
    });
  }

  /** Holes that no queue has, oldest first, at most `limit`. */
  unoffered(limit: number): UnofferedHole[] {
    return this.#deps.store.read().unoffered(this.#deps.view().roster, limit);
  }

  markQueued(holes: readonly UnofferedHole[]): void {
    this.#change((book) => {
      book.markQueued(holes);
      return [];
    });
  }

  forgetQueued(): void {
    this.#change((book) => {
      book.forgetQueued();
      return [];
    });
  }

  /** What is open of these symbols in a range. */
  openOf(symbols: readonly string[], range: TimeRange): SymbolRange[] {
    const book = this.book();
    const { roster } = this.#deps.view();
    return symbols.flatMap((symbol) => {
      const slot = roster.slotOf(symbol);
      return slot === undefined
        ? []
        : book.openIn(slot, range).map((open) => ({ symbol, ...open }));
    });
  }

  /** The holes as they stand; changes to the book are nobody's. */
  book(): HoleBook {
    return this.#deps.store.read();
  }

  die(ranges: readonly SymbolRange[]): void {
    this.#change((book, { roster }) => book.die(ranges, roster));
  }

  reopen(ranges: readonly SymbolRange[]): void {
    this.#change((book, { roster }) => book.reopen(ranges, roster));
  }

  fillStored(ranges: readonly StoredRange[]): void {
    this.#change((book, { roster }) => book.fillStored(ranges, roster));
  }

  /** An operator gives these up for good: nobody will be asked for their minutes any more. */
  giveUp(ranges: readonly SymbolRange[]): void {
    this.#change((book, view) => {
      const { events, ended } = book.giveUp(ranges, view.roster);
      for (const { slot, startMs, endMs } of ended) {
        for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
          if (!view.calendar.isExpectedMinute(ts)) continue;
          const beliefs = view.beliefsAt(ts);
          if (beliefs.get(slot).state === "bar") continue;
          beliefs.set(slot, { state: "unfillable" });
          this.#deps.beliefs.write("1m", ts, beliefs);
        }
      }
      return events;
    });
  }

  /** Ends the holes in minutes that are owed no more, when the members have changed. */
  endUnexpected(): void {
    this.#change((book, { roster }) => book.endUnexpected(roster));
  }

  #change(act: (book: HoleBook, view: GroupView) => GapEvent[]): void {
    const { storage, store } = this.#deps;
    storage.transactionSync(() => {
      const book = store.read();
      const gaps = act(book, this.#deps.view());
      store.write(book.changes());
      if (gaps.length === 0) return;
      const watermarkMs = this.#advance(book);
      for (let at = 0; at < gaps.length; at += MAX_FLUSH_GAPS) {
        const part = gaps.slice(at, at + MAX_FLUSH_GAPS);
        this.#deps.append({ rows: [], gaps: part, source: [], man: [], watermarkMs });
      }
    });
  }

  #advance(book: HoleBook): EpochMs {
    const { now, view, watermarkMs, setWatermarkMs } = this.#deps;
    const nowMs = now();
    const isOpen = (slot: number, ts: EpochMs) => book.isOpen(slot, ts);
    const reachedMs = advanceWatermark(watermarkMs() ?? nowMs, nowMs, view(), isOpen);
    setWatermarkMs(reachedMs);
    return reachedMs;
  }
}
