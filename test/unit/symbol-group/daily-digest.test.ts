import { describe, expect, it } from "vitest";
import { MAX_FLUSH_ROWS } from "../../../src/contracts/flush.ts";
import type { DailyAnswer } from "../../../src/contracts/daily-answer.ts";
import { MinuteBeliefs } from "../../../src/domain/belief.ts";
import { Roster } from "../../../src/domain/roster.ts";
import { HOUR_MS } from "../../../src/domain/time.ts";
import { digestDaily } from "../../../src/symbol-group/daily-digest.ts";
import { barOf, CALENDAR, member, OPEN_MS } from "../../support/naive-group.ts";

/** 2026-03-20 and the day before, as daily bars are labelled. */
const FRIDAY = Date.UTC(2026, 2, 20);
const THURSDAY = Date.UTC(2026, 2, 19);
const EVENING_MS = OPEN_MS + 11 * HOUR_MS;

function answerOf(change: Partial<DailyAnswer> = {}): DailyAnswer {
  return {
    source: { provider: "polygon", feed: "sip" },
    askedAt: EVENING_MS,
    settle: false,
    bars: [],
    covered: [],
    ...change,
  };
}

/** A group that keeps the beliefs about its days between answers. */
function groupOf(...symbols: string[]) {
  const roster = new Roster(symbols.map((symbol, slot) => member(slot, symbol)));
  const known = new Map<number, Uint8Array>();
  return (answer: DailyAnswer) => {
    const result = digestDaily(answer, {
      roster,
      calendar: CALENDAR,
      beliefsAt: (ts) => new MinuteBeliefs(roster.length, known.get(ts)?.slice()),
    });
    for (const { ts, beliefs } of result.changes) known.set(ts, beliefs.encode().slice());
    return result;
  };
}

describe("the daily bars of an answer", () => {
  it("are first, then same, then updated, and make rows only when values changed", () => {
    const take = groupOf("AAPL");
    const at = (askedAt: number, close: number) =>
      take(answerOf({ askedAt, bars: [barOf("AAPL", FRIDAY, close)] })).flushes.flat();
    expect(at(EVENING_MS, 100).map((row) => [row[1], row[9], row[12], row[13]])).toEqual([
      [FRIDAY, 0, "first", "regular"],
    ]);
    expect(at(EVENING_MS + 1, 100)).toEqual([]);
    expect(at(EVENING_MS + 2, 101).map((row) => [row[5], row[9], row[12]])).toEqual([
      [101, 1, "updated"],
    ]);
    // Asked before what is believed now: whatever it says is old.
    expect(at(EVENING_MS + 1, 102)).toEqual([]);
  });

  it("of another provider disagree, until the day is settled", () => {
    const take = groupOf("AAPL");
    const alpaca = { provider: "alpaca", feed: "sip" } as const;
    take(answerOf({ bars: [barOf("AAPL", FRIDAY, 100)] }));
    const other = { source: alpaca, bars: [barOf("AAPL", FRIDAY, 99)] };
    expect(take(answerOf(other))).toMatchObject({ flushes: [], verdicts: { disagreed: 1 } });
    const settled = take(answerOf({ ...other, settle: true })).flushes.flat();
    expect(settled.map((row) => [row[5], row[9], row[10]])).toEqual([[99, 1, "alpaca"]]);
  });

  it("are backfilled when they are first asked for after the next session has opened", () => {
    const take = groupOf("AAPL");
    const bars = [barOf("AAPL", THURSDAY), barOf("AAPL", FRIDAY)];
    const rows = take(answerOf({ askedAt: OPEN_MS, bars })).flushes.flat();
    expect(rows.map((row) => [row[1], row[12]])).toEqual([
      [THURSDAY, "backfilled"],
      [FRIDAY, "first"],
    ]);
  });

  it("of symbols that are no members are left out", () => {
    const take = groupOf("AAPL");
    const result = take(answerOf({ bars: [barOf("MSFT", FRIDAY)] }));
    expect(result).toMatchObject({ flushes: [], changes: [] });
  });

  it("are cut into flushes, oldest date first", () => {
    const symbols = Array.from({ length: 1_000 }, (_, index) => `S.A${letters(index)}`);
    const take = groupOf(...symbols);
    const bars = [FRIDAY, THURSDAY, THURSDAY - 24 * HOUR_MS].flatMap((ts) =>
      symbols.map((symbol) => barOf(symbol, ts)),
    );
    const { flushes } = take(answerOf({ bars }));
    expect(flushes.map((rows) => rows.length)).toEqual([MAX_FLUSH_ROWS, 1_000]);
    expect(flushes.flat().map((row) => row[1])).toEqual(
      bars.map(({ ts }) => ts).toSorted((a, b) => a - b),
    );
  });
});

/** Two letters for a number below 1,296. */
function letters(index: number): string {
  return index.toString(36).padStart(2, "0").toUpperCase();
}
