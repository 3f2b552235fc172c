import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { CreditLane } from "../domain/credits.ts";
import { rateRanges, witnessesFor } from "../domain/plausibility.ts";
import { groupName } from "../domain/symbol.ts";
import type { EpochMs, TimeRange } from "../domain/time.ts";
import type { GroupView } from "../domain/watermark.ts";
import { barOwners } from "./bar-owners.ts";
import type { HoleBook } from "./hole-book.ts";
import type { RateBook } from "./rate-book.ts";

/** What the fetches of a group are made from: what it knows, and what its members trade. */
export interface FetchScopeDeps {
  readonly group: number;
  readonly view: () => GroupView;
  readonly rates: RateBook;
}

/** What a duty asks for. `ownersAsked`: minutes whose bars another provider gave are asked of that one. */
export interface FetchAsk extends TimeRange {
  readonly duty: string;
  readonly symbols: readonly string[];
  readonly priority: number;
  readonly settle: boolean;
  readonly lane: CreditLane;
  readonly ownersAsked: boolean;
}

/** What a group asks the runner for: where its holes are, of whom, and how an answer is judged. */
export class FetchScope {
  #deps: FetchScopeDeps;

  constructor(deps: FetchScopeDeps) {
    this.#deps = deps;
  }

  /**
   * What to ask for to fill the holes of some symbols in a range: those that have one, and witnesses beside
   * them; none when nothing of it is open.
   */
  holeSymbols(symbols: readonly string[], range: TimeRange, holes: HoleBook): string[] {
    const { roster, calendar } = this.#deps.view();
    const wanted = new Set(symbols);
    const hasHole = (slot: number) => holes.openIn(slot, range).length > 0;
    const polled = roster.polled();
    const open = new Set(
      polled
        .filter(({ symbol, slot }) => wanted.has(symbol) && hasHole(slot))
        .map(({ slot }) => slot),
    );
    if (open.size === 0) return [];
    const names = polled.map(({ symbol }) => symbol);
    const rated = rateRanges(names, this.#deps.rates.spans(names, range, roster, calendar));
    const isOpen = new Set(polled.filter(({ slot }) => open.has(slot)).map(({ symbol }) => symbol));
    const { asked = [], others = [] } = Object.groupBy(rated, ({ symbol }) =>
      isOpen.has(symbol) ? "asked" : "others",
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
      lane: ask.lane,
      rates: rates.spans(ask.symbols, ask, roster, calendar),
      owners: ask.ownersAsked ? barOwners(ask, beliefsAt) : [],
    };
  }
}
