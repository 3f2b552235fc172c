import { isInClosingWindow, kindWithin, type TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";

const MAX_FAULTS = 20;

/** Bars that are stored of those expected, by their part of the trading day. */
export interface StoredByKind {
  pre: number;
  regular: number;
  closing_window: number;
  post: number;
}

/** What was counted of some minutes, held against the truth. */
export interface Counts {
  readonly expected_minutes: number;
  readonly bars_expected: number;
  readonly stored: StoredByKind;
  readonly no_trade: number;
  readonly pending: number;
  readonly missing: number;
  readonly duplicate: number;
  readonly wrong: number;
  readonly revisions_expected: number;
  /** Revisions before the settle pass: each must be a later version of the same provider's bar. */
  readonly revisions_before_settle: number;
}

/** Counts of one trading date, or of what belongs to none, with its first faults in words. */
export class Tally {
  expectedMinutes = 0;
  barsExpected = 0;
  noTrade = 0;
  pending = 0;
  missing = 0;
  duplicate = 0;
  revisionsExpected = 0;
  revisionsBeforeSettle = 0;
  #stored: StoredByKind = { pre: 0, regular: 0, closing_window: 0, post: 0 };
  #wrong = 0;
  #faults: string[] = [];

  /** Counts a stored bar of a session where it belongs. */
  store(session: TradingSession, ts: EpochMs): void {
    const isClosing = isInClosingWindow(session, ts);
    this.#stored[isClosing ? "closing_window" : kindWithin(session, ts)] += 1;
  }

  fault(text: string): void {
    this.#wrong += 1;
    this.note(text);
  }

  note(text: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(text);
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  counts(): Counts {
    return {
      expected_minutes: this.expectedMinutes,
      bars_expected: this.barsExpected,
      stored: this.#stored,
      no_trade: this.noTrade,
      pending: this.pending,
      missing: this.missing,
      duplicate: this.duplicate,
      wrong: this.#wrong,
      revisions_expected: this.revisionsExpected,
      revisions_before_settle: this.revisionsBeforeSettle,
    };
  }
}

/** The sum of counts, field by field. */
export function sumCounts(all: readonly Counts[]): Counts {
  const sum = (pick: (counts: Counts) => number) =>
    all.reduce((total, counts) => total + pick(counts), 0);
  return {
    expected_minutes: sum((counts) => counts.expected_minutes),
    bars_expected: sum((counts) => counts.bars_expected),
    stored: {
      pre: sum(({ stored }) => stored.pre),
      regular: sum(({ stored }) => stored.regular),
      closing_window: sum(({ stored }) => stored.closing_window),
      post: sum(({ stored }) => stored.post),
    },
    no_trade: sum((counts) => counts.no_trade),
    pending: sum((counts) => counts.pending),
    missing: sum((counts) => counts.missing),
    duplicate: sum((counts) => counts.duplicate),
    wrong: sum((counts) => counts.wrong),
    revisions_expected: sum((counts) => counts.revisions_expected),
    revisions_before_settle: sum((counts) => counts.revisions_before_settle),
  };
}
