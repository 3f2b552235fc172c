import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Flush } from "../../src/contracts/flush.ts";
import { owedPart } from "../../src/domain/coverage.ts";
import { readStoredCoverage } from "../../src/postgres/coverage-store.ts";
import { recordKnown } from "../../src/postgres/known-store.ts";
import { drainFlushes, MAX_DRAIN_FLUSHES } from "../../src/postgres/flush-store.ts";
import { readCoverage } from "../../src/symbol-group/coverage-reads.ts";
import { flush, gap, row } from "../support/flushes.ts";
import { answerOf, barOf, member, MINUTE_MS, NaiveGroup, OPEN_MS } from "../support/naive-group.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const SESSION_MINUTES = 390;
const at = (index: number) => OPEN_MS + index * MINUTE_MS;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

/** Coverage of one symbol over minutes of the session, as Postgres knows it. */
async function storedOf(group: number, symbol: string, from = 0, to = 10) {
  const [coverage] = await readStoredCoverage(test.sql, [
    { symbol, group, knownFromMs: at(from), startMs: at(from), endMs: at(to) },
  ]);
  return coverage;
}

const range = (from: number, to: number) => ({ startMs: at(from), endMs: at(to) });

describe("coverage from Postgres", () => {
  it("finds no trade below the watermark, and pending above it, where nothing is stored", async () => {
    const bars = [0, 2, 3, 7].map((i) => row({ symbol: "MARK", ts: at(i) }));
    await drainFlushes(test.sql, [flush(1, { group: 1, rows: bars, watermark: at(6) })]);
    expect(await storedOf(1, "MARK")).toEqual({
      expected: 10,
      got: 4,
      noTrade: 3,
      missing: 0,
      pending: 3,
      missingRanges: [],
      pendingRanges: [range(6, 7), range(8, 10)],
    });
    expect(await storedOf(1, "MARK", 0, 6)).toMatchObject({ expected: 6, got: 3, noTrade: 3 });
  });

  it("counts holes and what was given up as missing, and a bar in them as a bar", async () => {
    await drainFlushes(test.sql, [
      flush(1, {
        group: 2,
        rows: [0, 5].map((i) => row({ symbol: "HOLE", ts: at(i) })),
        gaps: [gap("open", 1, 3, "HOLE"), gap("open", 4, 8, "HOLE")],
        watermark: at(1),
      }),
      flush(2, {
        group: 2,
        gaps: [gap("unfillable", 4, 7, "HOLE"), gap("filled", 7, 8, "HOLE")],
        watermark: at(1),
      }),
    ]);
    expect(await storedOf(2, "HOLE")).toEqual({
      expected: 10,
      got: 2,
      noTrade: 0,
      missing: 4,
      pending: 4,
      missingRanges: [range(1, 3), range(4, 5), range(6, 7)],
      pendingRanges: [range(3, 4), range(7, 10)],
    });
    await drainFlushes(test.sql, [
      flush(3, { group: 2, gaps: [gap("filled", 1, 3, "HOLE")], watermark: at(10) }),
    ]);
    expect(await storedOf(2, "HOLE")).toMatchObject({ got: 2, noTrade: 6, missing: 2, pending: 0 });
  });

  it("knows nothing of a group that has stored nothing: all is pending", async () => {
    expect(await storedOf(3, "NEW")).toMatchObject({ expected: 10, pending: 10 });
    expect(await storedOf(3, "NEW", 4, 4)).toMatchObject({ expected: 0, pending: 0 });
  });

  it("counts what the history lane asked for before a symbol was owed minutes: bars, or no trade", async () => {
    await drainFlushes(test.sql, [
      flush(1, {
        group: 5,
        rows: [0, 1, 5, 6].map((i) => row({ symbol: "PAST", ts: at(i) })),
        watermark: at(10),
      }),
    ]);
    const known = { symbol: "PAST", ...range(1, 4) };
    await recordKnown(test.sql, [known], at(20));
    await recordKnown(test.sql, [known], at(21));
    const owed = { symbol: "PAST", group: 5, knownFromMs: at(0), startMs: at(5), endMs: at(10) };
    const [coverage] = await readStoredCoverage(test.sql, [owed]);
    expect(coverage).toMatchObject({ expected: 8, got: 3, noTrade: 5, missing: 0, pending: 0 });
  });

  it("answers in the order of the questions, the same symbol more than once too", async () => {
    const ask = (symbol: string, from: number, to: number) => ({
      symbol,
      group: 1,
      knownFromMs: at(from),
      ...range(from, to),
    });
    const answers = await readStoredCoverage(test.sql, [
      ask("MARK", 2, 4),
      ask("NONE", 0, 6),
      ask("MARK", 0, 1),
    ]);
    expect(answers.map(({ expected, got }) => [expected, got])).toEqual([
      [2, 2],
      [6, 0],
      [1, 1],
    ]);
    expect(await readStoredCoverage(test.sql, [])).toEqual([]);
  });
});

describe("a session asked both ways", () => {
  /** A group through a whole session with an outage, late answers and a symbol that joined late. */
  function playedGroup() {
    const members = [
      member(0, "AAA"),
      member(1, "BBB"),
      member(2, "LATE", { sinceMs: at(45) }),
      member(3, "GONE", { active: false }),
    ];
    const symbols = ["AAA", "BBB", "LATE"];
    const group = new NaiveGroup(members);
    const barsBetween = (from: number, to: number) =>
      symbols.flatMap((symbol, s) =>
        Array.from({ length: to - from }, (_, i) => from + i)
          .filter((i) => (i * 7 + s * 13) % (3 + s) !== 0)
          .map((i) => barOf(symbol, at(i))),
      );
    const take = (from: number, to: number, nowMs: number) => {
      const covered = [{ symbols, startMs: at(from), endMs: at(to) }];
      group.take(answerOf(nowMs - 1_000, { bars: barsBetween(from, to), covered }), nowMs);
    };
    for (let index = 0; index < SESSION_MINUTES; index += 1) {
      const nowMs = at(index + 1) + 3_000;
      if (index >= 100 && index < 130) group.take(null, nowMs);
      else take(Math.max(0, index - 2), index + 1, nowMs);
    }
    // The minutes before the outage had not settled when it came.
    take(97, 130, at(SESSION_MINUTES) + 3_000);
    // The closing window is stored and never counted.
    take(SESSION_MINUTES - 3, SESSION_MINUTES + 4, at(SESSION_MINUTES + 20));
    return { group, symbols: members.map(({ symbol }) => symbol) };
  }

  function flushesOf(group: NaiveGroup): Flush[] {
    return group.digests
      .flatMap(({ drafts }) => drafts)
      .map(({ rows, gaps, man, watermarkMs }, index) =>
        flush(index + 1, { group: 4, rows, gaps, man, watermark: watermarkMs }),
      );
  }

  it("is the same from beliefs and from what the drain stored", async () => {
    const { group, symbols } = playedGroup();
    const flushes = flushesOf(group);
    expect(flushes.flatMap(({ gaps }) => gaps.map((event) => event[3]))).toContain("open");
    for (let i = 0; i < flushes.length; i += MAX_DRAIN_FLUSHES)
      await drainFlushes(test.sql, flushes.slice(i, i + MAX_DRAIN_FLUSHES));
    for (const window of [range(0, SESSION_MINUTES), range(30, 60), range(99, 131)]) {
      const cells = readCoverage(
        [{ ...window, symbols }],
        group.view(),
        0,
        at(SESSION_MINUTES + 20),
      );
      const stored = await readStoredCoverage(
        test.sql,
        cells.map(({ symbol, sinceMs }) => ({
          symbol,
          group: 4,
          knownFromMs: window.startMs,
          ...owedPart(window, sinceMs),
        })),
      );
      // What is not owed the group leaves to Postgres, which counts nothing of it here.
      const counted = cells.map(({ coverage }, index) => coverage ?? stored[index]);
      expect(cells.filter(({ coverage }) => coverage === null).length).toBeLessThan(3);
      expect(stored).toEqual(counted);
      expect(stored.every(({ missing, pending }) => missing + pending === 0)).toBe(true);
    }
    const [all, , late, gone] = await readStoredCoverage(
      test.sql,
      [null, null, at(45), null].map((since, slot) => ({
        symbol: symbols[slot] ?? "",
        group: 4,
        knownFromMs: OPEN_MS,
        ...owedPart(range(0, SESSION_MINUTES), slot === 3 ? null : (since ?? OPEN_MS)),
      })),
    );
    expect(all).toMatchObject({ expected: 390, got: 260, noTrade: 130 });
    expect(late).toMatchObject({ expected: 345 });
    expect(gone).toMatchObject({ expected: 0, got: 0 });
  });
});
