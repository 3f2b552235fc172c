import type { GroupFetch } from "../contracts/group-fetch.ts";
import { isComplete } from "../domain/minute-state.ts";
import { witnessesFor } from "../domain/plausibility.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { firstIncompleteMinute, type GroupView } from "../domain/watermark.ts";
import { barOwners } from "./bar-owners.ts";
import type { MetaStore } from "./meta-store.ts";
import type { RateBook } from "./rate-book.ts";

/** What the fetches of a group are made from: what it knows, and how far its watermark is. */
export interface FetchScopeDeps {
  readonly group: number;
  readonly view: () => GroupView;
  /** Null while the group has no members. */
  readonly watermarkMs: () => EpochMs | null;
  readonly meta: MetaStore;
  readonly rates: RateBook;
}

/** What a duty asks for. `ownersAsked`: minutes whose bars another provider gave are asked of that one. */
export interface FetchAsk extends TimeRange {
  readonly duty: string;
  readonly symbols: readonly string[];
  readonly priority: number;
  readonly settle: boolean;
  readonly ownersAsked: boolean;
}

/** What a group asks the runner for: where its holes are, of whom, and how an answer is judged. */
export class FetchScope {
  #deps: FetchScopeDeps;

  constructor(deps: FetchScopeDeps) {
    this.#deps = deps;
  }

  /**
   * An incomplete expected minute before `beforeMs`, looked for from where the last look ended, then
   * from the watermark: a hole that nobody can fill does not keep those behind it from being asked for.
   */
  nextHoleMs(beforeMs: EpochMs): EpochMs | null {
    const watermarkMs = this.#deps.watermarkMs();
    if (watermarkMs === null) return null;
    const fromMs = this.#deps.meta.getNumber("heal_from_ms") ?? watermarkMs;
    const view = this.#deps.view();
    return (
      (fromMs > watermarkMs ? firstIncompleteMinute(fromMs, beforeMs, view) : null) ??
      firstIncompleteMinute(watermarkMs, beforeMs, view)
    );
  }

  lookForHolesFrom(fromMs: EpochMs): void {
    this.#deps.meta.set("heal_from_ms", fromMs);
  }

  /**
   * Symbols with an incomplete expected minute in the range, and witnesses beside them: what a heal job
   * asks for; none when nothing is open.
   */
  healSymbols(range: TimeRange): string[] {
    const open = this.#incompleteSlots(range);
    if (open.size === 0) return [];
    const { roster, calendar } = this.#deps.view();
    const polled = roster.polled();
    const symbols = polled.map(({ symbol }) => symbol);
    const [span] = this.#deps.rates.spans(symbols, range, roster, calendar);
    const rated = polled.map(({ symbol, slot }, index) => ({
      symbol,
      slot,
      rate: span?.rates[index] ?? 0,
    }));
    const { asked = [], others = [] } = Object.groupBy(rated, ({ slot }) =>
      open.has(slot) ? "asked" : "others",
    );
    return [...asked.map(({ symbol }) => symbol), ...witnessesFor(asked, others)];
  }

  /** The fetch of a duty, with what its symbols trade; null when there is nobody to ask for. */
  fetchOf(ask: FetchAsk, nowMs: EpochMs): GroupFetch | null {
    if (ask.symbols.length === 0) return null;
    const { group, rates, view } = this.#deps;
    const { roster, calendar, beliefsAt } = view();
    return {
      v: 1,
      id: `${groupName(group)}-${ask.duty}-${nowMs}`,
      group,
      duty: ask.duty,
      interval: "1m",
      symbols: [...ask.symbols],
      start_ms: ask.startMs,
      end_ms: ask.endMs,
      priority: ask.priority,
      settle: ask.settle,
      rates: rates.spans(ask.symbols, ask, roster, calendar),
      owners: ask.ownersAsked ? barOwners(ask, beliefsAt) : [],
    };
  }

  #incompleteSlots({ startMs, endMs }: TimeRange): Set<number> {
    const { roster, calendar, beliefsAt } = this.#deps.view();
    const slots = new Set<number>();
    for (let ts = startMs; ts < endMs; ts += MINUTE_MS) {
      if (!calendar.isExpectedMinute(ts)) continue;
      const beliefs = beliefsAt(ts);
      for (let slot = 0; slot < roster.length; slot += 1) {
        if (roster.expects(slot, ts) && !isComplete(beliefs.get(slot))) slots.add(slot);
      }
    }
    return slots;
  }
}
