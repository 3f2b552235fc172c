import { describe, expect, it } from "vitest";
import type { Bar } from "../../../src/domain/bar.ts";
import {
  type Flush,
  FLUSH_VERSION,
  MAX_FLUSH_BYTES,
  MAX_FLUSH_ROWS,
} from "../../../src/contracts/flush.ts";
import type { FlushDraft } from "../../../src/symbol-group/digest.ts";
import { answerOf, member, MINUTE_MS, NaiveGroup, OPEN_MS } from "../../support/naive-group.ts";

const MEMBERS = 1_000;
const MINUTES = 120;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const letter = (n: number) => LETTERS[n % 26] ?? "A";
/** The longest canonical symbols there are. */
const symbols = Array.from({ length: MEMBERS }, (_, i) =>
  `LONG${letter(Math.floor(i / 26))}${letter(i)}.ABC.ABC`.replace(
    "LONG",
    `LO${letter(Math.floor(i / 676))}G`,
  ),
);
const members = symbols.map((symbol, slot) => member(slot, symbol));
const LATE_MS = OPEN_MS + 200 * MINUTE_MS;

/** Valid values whose shortest decimal text is as long as a double's gets. */
function longBar(symbol: string, ts: number): Bar {
  return {
    symbol,
    ts,
    open: 0.00012345678901234567,
    high: 0.0001987654321098765,
    low: 0.00011345678901234567,
    close: 0.00012345678901234567,
    volume: 1234567890.1234567,
    vwap: 0.00012345678901234567,
    tradeCount: 9_007_199_254_740_991,
  };
}

/** The draft as the log stores it. */
function storedBytes(draft: FlushDraft): number {
  const { watermarkMs, ...content } = draft;
  const flush: Flush = {
    v: FLUSH_VERSION,
    group: 127,
    class: "bars",
    epoch: "0mf2k1c0xk3f9a2",
    fs: 999_999_999,
    as_of: LATE_MS,
    received_at: LATE_MS,
    ...content,
    daily: [],
    quotes: [],
    watermark: watermarkMs,
    watermark_1d: LATE_MS,
    next: LATE_MS,
  };
  return JSON.stringify(flush).length;
}

/** A group that has missed two hours, then gets `perMinute` bars of each of their minutes. */
function draftsOf(
  perMinute: number,
  complete: boolean,
): Record<"openings" | "answers", readonly FlushDraft[]> {
  const group = new NaiveGroup(members);
  const openings = group.take(null, LATE_MS).drafts;
  const endMs = OPEN_MS + MINUTES * MINUTE_MS;
  const bars = Array.from({ length: MINUTES }, (_, i) => OPEN_MS + i * MINUTE_MS).flatMap(
    (ts, minute) =>
      Array.from({ length: perMinute }, (_, i) =>
        longBar(symbols[(i + minute * perMinute) % MEMBERS] ?? "", ts),
      ),
  );
  const covered = complete ? [{ symbols, startMs: OPEN_MS, endMs }] : [];
  const source = { provider: "finnhub", feed: "delayed_sip" } as const;
  const answers = group.take(answerOf(LATE_MS, { source, bars, covered }), LATE_MS).drafts;
  return { openings, answers };
}

const minutesOf = (drafts: readonly FlushDraft[]) =>
  drafts.flatMap((draft) => draft.man.map(([ts]) => ts));

describe.each([
  ["every member traded", 1_000, true],
  ["no member traded", 0, true],
  ["a few members traded each minute", 16, false],
  ["some members traded each minute", 40, false],
  ["half of the members traded", 500, true],
])("the flushes of two missed hours of 1,000 members when %s", (_name, perMinute, complete) => {
  const { openings, answers } = draftsOf(perMinute, complete);
  const drafts = [...openings, ...answers];

  it("carry every row once and at most MAX_FLUSH_ROWS each", () => {
    const rows = drafts.flatMap((draft) => draft.rows);
    expect(rows.length).toBe(perMinute * MINUTES);
    expect(new Set(rows.map((row) => `${row[0]} ${row[1]}`)).size).toBe(rows.length);
    expect(Math.max(...drafts.map((draft) => draft.rows.length))).toBeLessThanOrEqual(
      MAX_FLUSH_ROWS,
    );
  });

  it("are at most MAX_FLUSH_BYTES of JSON each", () => {
    expect(Math.max(...drafts.map(storedBytes))).toBeLessThanOrEqual(MAX_FLUSH_BYTES);
  });

  it.each([
    ["openings", openings],
    ["answers", answers],
  ])("go from the oldest minute to the newest among the %s", (_kind, some) => {
    const minutes = minutesOf(some);
    expect(minutes.length).toBeGreaterThanOrEqual(MINUTES);
    expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
  });
});

it("the flushes of an hour that a provider revised carry at most MAX_FLUSH_ROWS each", () => {
  const group = new NaiveGroup(members);
  const minutes = Array.from({ length: 60 }, (_, i) => OPEN_MS + i * MINUTE_MS);
  const bars = minutes.flatMap((ts) => symbols.slice(0, 500).map((symbol) => longBar(symbol, ts)));
  group.take(answerOf(LATE_MS, { bars }), LATE_MS);
  const revised = bars.map((bar) => ({ ...bar, volume: 1 }));
  const { drafts } = group.take(answerOf(LATE_MS + 1, { bars: revised }), LATE_MS + 1);
  expect(drafts.flatMap(({ rows }) => rows).length).toBe(bars.length);
  expect(Math.max(...drafts.map(({ rows }) => rows.length))).toBeLessThanOrEqual(MAX_FLUSH_ROWS);
});
