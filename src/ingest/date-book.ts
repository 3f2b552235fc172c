import type { TradingDate } from "../domain/trading-date.ts";
import { isPassing, type ProviderErrorKind } from "../providers/provider-error.ts";

/** A failed answer has yet answered a date when it covers this share of the symbols that were asked of it. */
const WHOLE_SHARE = 0.9;

interface DateState {
  readonly open: Set<string>;
  /** Some provider answered for symbols of it. */
  isKnown: boolean;
  /** Some provider that failed over it may answer if it is asked again. */
  mayComeBack: boolean;
  /** Some provider had nothing at all of it. */
  isNotThere: boolean;
  wasAsked: boolean;
}

/** Which symbols of which trading dates nobody has answered for yet, in one job. */
export class DateBook {
  #dates: Map<TradingDate, DateState>;

  constructor(symbols: readonly string[], dates: readonly TradingDate[]) {
    this.#dates = new Map(
      dates.map((date) => [
        date,
        {
          open: new Set(symbols),
          isKnown: false,
          mayComeBack: false,
          isNotThere: false,
          wasAsked: false,
        },
      ]),
    );
  }

  openDates(): TradingDate[] {
    return [...this.#dates].filter(([, { open }]) => open.size > 0).map(([date]) => date);
  }

  /** Symbols that are open for some date. */
  openSymbols(): string[] {
    const symbols = new Set<string>();
    for (const { open } of this.#dates.values()) for (const symbol of open) symbols.add(symbol);
    return [...symbols];
  }

  /** Notes what a provider, asked for all that was open, said of a date. */
  note(date: TradingDate, covered: readonly string[], failure: ProviderErrorKind | null): void {
    const state = this.#dates.get(date);
    if (state === undefined) return;
    const askedCount = state.open.size;
    for (const symbol of covered) state.open.delete(symbol);
    const share = askedCount === 0 ? 1 : 1 - state.open.size / askedCount;
    state.wasAsked = true;
    if (share > 0) state.isKnown = true;
    if (failure !== null && isPassing(failure) && share < WHOLE_SHARE) state.mayComeBack = true;
    if (share === 0 && (failure === null || failure === "not_found")) state.isNotThere = true;
  }

  /**
   * `answered` dates need not be asked for again; `waiting` ones may be answered soon, as a recent date that
   * is not there yet. A date is neither when the keys do not serve it, or when no provider has it and it is
   * history: that may change, but not in minutes.
   */
  result(recentFrom: TradingDate): { answered: TradingDate[]; waiting: TradingDate[] } {
    const answered: TradingDate[] = [];
    const waiting: TradingDate[] = [];
    for (const [date, state] of this.#dates) {
      const { open, isKnown, mayComeBack, isNotThere, wasAsked } = state;
      const isLate = isNotThere && date >= recentFrom;
      if (open.size === 0 || (isKnown && !mayComeBack)) answered.push(date);
      else if (mayComeBack || isLate || !wasAsked) waiting.push(date);
    }
    return { answered, waiting };
  }
}
