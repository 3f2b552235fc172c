import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_FLUSH_BYTES } from "../../../src/contracts/flush.ts";
import { countStates } from "../../../src/domain/manifest.ts";
import type { FlushDraft } from "../../../src/symbol-group/digest.ts";
import {
  answerOf,
  barOf,
  member,
  MINUTE_MS,
  minuteKeys,
  NaiveGroup,
  OPEN_MS,
  SETTLE_DELAY_MS,
} from "../../support/naive-group.ts";

const SYMBOLS = ["AAPL", "MSFT", "KO", "GONE"];
// KO joined in the second minute, GONE left: a restated minute must not count either too early.
const MEMBERS = [
  member(0, "AAPL"),
  member(1, "MSFT"),
  member(2, "KO", { sinceMs: OPEN_MS + MINUTE_MS }),
  member(3, "GONE", { active: false }),
];
const MINUTES = 4;
/** When all of these minutes are missing unless somebody answered for them. */
const MISSING_MS = OPEN_MS + (MINUTES + 1) * MINUTE_MS + SETTLE_DELAY_MS;

const isOpening = (draft: FlushDraft) => draft.gaps.some(([, , , kind]) => kind === "open");
const openedKeys = (drafts: readonly FlushDraft[]) =>
  drafts
    .flatMap(({ gaps }) => gaps)
    .filter(([, , , kind]) => kind === "open")
    .flatMap(([symbol, startMs, endMs]) => minuteKeys(symbol, startMs, endMs))
    .toSorted();
const restatedKeys = (drafts: readonly FlushDraft[], roster: readonly string[]) =>
  drafts
    .flatMap(({ man }) => man)
    .flatMap(([ts, states]) =>
      roster.filter((_, slot) => states[slot] === "M").map((s) => `${s} ${ts}`),
    )
    .toSorted();

/** One answer, asked after every minute has settled: some symbols over the first minutes, some of their bars. */
const answers = fc
  .record({
    symbols: fc.subarray(SYMBOLS),
    length: fc.integer({ min: 1, max: MINUTES }),
    traded: fc.array(fc.boolean(), { minLength: MINUTES, maxLength: MINUTES }),
  })
  .map(({ symbols, length, traded }) => {
    const minutes = Array.from({ length }, (_, i) => OPEN_MS + i * MINUTE_MS);
    const bars = symbols.flatMap((symbol) =>
      minutes.filter((_, i) => traded[i]).map((ts) => barOf(symbol, ts)),
    );
    const covered = [{ symbols, startMs: OPEN_MS, endMs: OPEN_MS + length * MINUTE_MS }];
    return answerOf(MISSING_MS, { bars, covered });
  });

describe("the minutes that go missing", () => {
  it("are restated as missing in the flushes that open their holes, with counts that add up", () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const { drafts } = new NaiveGroup(MEMBERS).take(answer, MISSING_MS);
        expect(restatedKeys(drafts, SYMBOLS)).toEqual(openedKeys(drafts));
        for (const [ts, states] of drafts.filter(isOpening).flatMap(({ man }) => man)) {
          const [, expected, got, noTrade, missing, pending] = countStates(ts, states, null) ?? [
            ts,
            0,
            0,
            0,
            0,
            0,
          ];
          expect(expected).toBe(ts === OPEN_MS ? 2 : 3);
          expect(got + noTrade + missing + pending).toBe(expected);
          expect(missing).toBe(openedKeys(drafts).filter((key) => key.endsWith(` ${ts}`)).length);
          expect(pending).toBe(0);
        }
      }),
    );
  });

  it("are restated behind the rows of the same answer, and not again while the hole is open", () => {
    const group = new NaiveGroup(MEMBERS);
    const answer = answerOf(MISSING_MS, { bars: [barOf("AAPL", OPEN_MS + 3 * MINUTE_MS)] });
    const { drafts } = group.take(answer, MISSING_MS);
    expect(drafts.map(({ rows, man }) => [rows.length, man.map(([ts]) => ts)])).toEqual([
      [1, [OPEN_MS + 3 * MINUTE_MS]],
      [0, [0, 1, 2, 3].map((i) => OPEN_MS + i * MINUTE_MS)],
    ]);
    expect(group.take(null, MISSING_MS + 1_000).drafts).toEqual([]);
  });

  it("are all restated, once each, when there are more than one flush holds", () => {
    const names = Array.from({ length: 1_000 }, (_, i) =>
      [676, 26, 1].map((unit) => String.fromCharCode(65 + (Math.floor(i / unit) % 26))).join(""),
    );
    const group = new NaiveGroup(names.map((name, slot) => member(slot, name)));
    const { drafts } = group.take(null, OPEN_MS + 400 * MINUTE_MS);
    const entries = drafts.flatMap(({ man }) => man);
    expect(drafts.length).toBeGreaterThan(1);
    expect(entries.map(([ts]) => ts)).toEqual(
      Array.from({ length: 390 }, (_, i) => OPEN_MS + i * MINUTE_MS),
    );
    expect(entries.every(([, states]) => states === "M".repeat(1_000))).toBe(true);
    expect(new Set(openedKeys(drafts)).size).toBe(390_000);
    for (const draft of drafts) expect(JSON.stringify(draft).length).toBeLessThan(MAX_FLUSH_BYTES);
  });
});
