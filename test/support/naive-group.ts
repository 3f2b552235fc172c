import { createCalendar } from "../../src/domain/calendar.ts";
import { type Belief, MinuteBeliefs } from "../../src/domain/belief.ts";
import type { Bar } from "../../src/domain/bar.ts";
import { type Member, Roster } from "../../src/domain/roster.ts";
import type { GroupView } from "../../src/domain/watermark.ts";
import type { Answer } from "../../src/symbol-group/classify.ts";
import { digest, type Digest } from "../../src/symbol-group/digest.ts";
import { HoleBook, type SlotHoles } from "../../src/symbol-group/hole-book.ts";

export const MINUTE_MS = 60_000;
export const SETTLE_DELAY_MS = 90_000;
/** 2026-03-20 13:30 UTC, the open of a regular session. */
export const OPEN_MS = Date.UTC(2026, 2, 20, 13, 30);
export const CALENDAR = createCalendar();

/** A member of tier T0 that is expected from the open; the slot is its sid. */
export function member(slot: number, symbol: string, change: Partial<Member> = {}): Member {
  return {
    slot,
    symbol,
    sid: slot,
    tier: "T0",
    sinceMs: OPEN_MS,
    active: true,
    reusedOn: null,
    ...change,
  };
}

/** A bar whose values follow from one number. */
export function barOf(symbol: string, ts: number, close = 100): Bar {
  return {
    symbol,
    ts,
    open: 100,
    high: Math.max(100, close),
    low: Math.min(100, close),
    close,
    volume: 1_000,
    vwap: null,
    tradeCount: 10,
  };
}

/** An answer of alpaca's sip feed that covers nothing unless told otherwise. */
export function answerOf(askedAt: number, change: Partial<Answer> = {}): Answer {
  return {
    source: { provider: "alpaca", feed: "sip" },
    askedAt,
    settle: false,
    bars: [],
    covered: [],
    doubted: [],
    agreed: [],
    alone: false,
    ...change,
  };
}

/** A symbol group without storage: what `digest` decides is kept in maps, as the ledger keeps it. */
export class NaiveGroup {
  readonly roster: Roster;
  readonly digests: Digest[] = [];
  watermarkMs: number;
  #minutes = new Map<number, Uint8Array>();
  #holes = new Map<number, SlotHoles>();

  constructor(members: readonly Member[], watermarkMs: number = OPEN_MS) {
    this.roster = new Roster(members);
    this.watermarkMs = watermarkMs;
  }

  /** Takes an answer in, or a failed poll (null), at market time `nowMs`. */
  take(answer: Answer | null, nowMs: number): Digest {
    const holes = new HoleBook(this.#holes);
    const state = { ...this.view(), watermarkMs: this.watermarkMs, holes };
    const result = digest(answer, state, nowMs);
    for (const { ts, beliefs } of result.minutes) this.#minutes.set(ts, beliefs.encode().slice());
    for (const [slot, ranges] of holes.changes()) this.#holes.set(slot, ranges);
    this.watermarkMs = result.watermarkMs;
    this.digests.push(result);
    return result;
  }

  view(): GroupView {
    return {
      roster: this.roster,
      calendar: CALENDAR,
      settleDelayMs: SETTLE_DELAY_MS,
      beliefsAt: (ts) => this.#beliefs(ts),
    };
  }

  belief(symbol: string, ts: number): Belief {
    return this.#beliefs(ts).get(this.roster.slotOf(symbol) ?? -1);
  }

  /** The open holes as `symbol minute` keys, sorted. */
  openHoles(): string[] {
    const keys: string[] = [];
    for (const [slot, { open }] of this.#holes) {
      const symbol = this.roster.members[slot]?.symbol ?? "";
      for (const { startMs, endMs } of open) keys.push(...minuteKeys(symbol, startMs, endMs));
    }
    return keys.toSorted();
  }

  #beliefs(ts: number): MinuteBeliefs {
    return new MinuteBeliefs(this.roster.length, this.#minutes.get(ts)?.slice());
  }
}

/** One `symbol minute` key for each whole minute of a range. */
export function minuteKeys(symbol: string, startMs: number, endMs: number): string[] {
  const keys: string[] = [];
  for (let ts = startMs; ts < endMs; ts += MINUTE_MS) keys.push(`${symbol} ${ts}`);
  return keys;
}
