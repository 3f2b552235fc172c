import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DeadLetter } from "../../src/contracts/dead-letter.ts";
import { editLetter, markLetters } from "../../src/postgres/dead-letter-marks.ts";
import {
  countDead,
  letterStats,
  readLetter,
  readLetters,
  readOldestDead,
} from "../../src/postgres/dead-letter-reads.ts";
import type { StoredLetter } from "../../src/postgres/dead-letter-row.ts";
import { storeDeadLetters } from "../../src/postgres/dead-letter-store.ts";
import { classifySqlError } from "../../src/postgres/sql-error.ts";
import { deadLetter } from "../support/dead-letters.ts";
import { OPEN_MS } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW_MS = OPEN_MS + 2 * HOUR_MS;
const DIED_MS = OPEN_MS + HOUR_MS;

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  await test.database.query("truncate backfill_jobs");
});

const store = async (...letters: DeadLetter[]) => await storeDeadLetters(test.sql, letters, NOW_MS);

async function read(id: string): Promise<StoredLetter> {
  const letter = await readLetter(test.sql, id);
  if (letter === null) throw new Error(`no letter ${id}`);
  return letter;
}

const ALL = { status: "dead", tier: null, reason: null, after: null, limit: 100 } as const;
const idsOf = (letters: readonly { readonly id: string }[]) => letters.map(({ id }) => id);

describe("a dead letter", () => {
  it("is read as it was written", async () => {
    const letter = deadLetter();
    await store(letter);
    expect(await read(letter.id)).toEqual({
      id: letter.id,
      group: 7,
      symbol: "AAPL",
      interval: "1m",
      startMs: OPEN_MS,
      endMs: OPEN_MS + 10 * MINUTE_MS,
      tier: "T0",
      priority: 0,
      attempts: 2,
      status: "dead",
      reason: "implausible",
      lastError: "too few bars",
      history: [
        { atMs: DIED_MS - MINUTE_MS, reason: "malformed", error: "not JSON" },
        { atMs: DIED_MS, reason: "implausible", error: "too few bars" },
      ],
      note: null,
      enqueuedMs: OPEN_MS + 10 * MINUTE_MS,
      diedMs: DIED_MS,
      updatedMs: NOW_MS,
    });
    expect(await readLetter(test.sql, "T0:NOPE")).toBeNull();
  });

  it("is the same when its message comes twice, in one batch and in two", async () => {
    const letter = deadLetter();
    await store(letter, letter);
    const first = await read(letter.id);
    await storeDeadLetters(test.sql, [letter], NOW_MS + 1);
    expect(await read(letter.id)).toEqual(first);
  });

  it.each(["requeued", "discarded"] as const)(
    "stays %s when a late message of the same or an earlier death comes",
    async (status) => {
      const letter = deadLetter();
      await store(letter);
      await markLetters(test.sql, [{ id: letter.id, diedMs: DIED_MS }], status, NOW_MS);
      await store(letter, deadLetter({ died_ms: DIED_MS - 1, reason: "not_found" }));
      expect(await read(letter.id)).toMatchObject({ status, reason: "implausible" });
    },
  );

  it.each(["requeued", "discarded"] as const)(
    "is dead again when its hole dies after it was %s, and remembers both lives",
    async (status) => {
      const letter = deadLetter();
      await store(letter);
      await markLetters(test.sql, [{ id: letter.id, diedMs: DIED_MS }], status, NOW_MS);
      const again = deadLetter({ died_ms: NOW_MS, reason: "not_found", priority: 4 });
      await store(again);
      const known = await read(letter.id);
      expect(known).toMatchObject({ status: "dead", reason: "not_found", priority: 4 });
      expect(known.history.map(({ atMs }) => atMs)).toEqual(
        [DIED_MS - MINUTE_MS, DIED_MS, NOW_MS - MINUTE_MS, NOW_MS].toSorted((a, b) => a - b),
      );
    },
  );

  it("remembers both lives when two deaths come in one batch, in any order", async () => {
    const [first, second] = [deadLetter(), deadLetter({ died_ms: NOW_MS })];
    await store(second, first);
    expect(await read(first.id)).toMatchObject({ diedMs: NOW_MS });
    await store(first, second);
    expect((await read(first.id)).history).toHaveLength(4);
  });

  it("remembers the newest 50 attempts", async () => {
    for (let life = 0; life < 30; life += 1)
      await store(deadLetter({ died_ms: DIED_MS + life * HOUR_MS }));
    const { history } = await read(deadLetter().id);
    expect(history).toHaveLength(50);
    expect(history.at(-1)?.atMs).toBe(DIED_MS + 29 * HOUR_MS);
  });

  it("is stored whatever its error text holds", async () => {
    const error = `cut \u{1f4a5}`.slice(0, -1);
    const letter = deadLetter({
      last_error: `\0${error}`,
      history: [{ at_ms: DIED_MS, reason: "malformed", error: `\0${error}` }],
    });
    await store(letter);
    expect(await read(letter.id)).toMatchObject({ lastError: "cut \ufffd" });
  });

  it("with an empty range is refused as a fault of the row, with the batch it came in", async () => {
    const bad = deadLetter({ symbol: "BAD", end_ms: OPEN_MS });
    const refused = await store(bad, deadLetter()).catch((error: unknown) => error);
    expect(classifySqlError(refused).kind).toBe("row_fault");
    expect(await readLetters(test.sql, ALL)).toEqual([]);
  });
});

describe("a list of letters", () => {
  const many = Array.from({ length: 23 }, (_, index) =>
    deadLetter({
      symbol: `S${String.fromCharCode(65 + index)}`,
      tier: index % 2 === 0 ? "T0" : "T1",
      reason: index % 3 === 0 ? "not_found" : "malformed",
      // Many die in the same millisecond.
      died_ms: DIED_MS + Math.floor(index / 5),
    }),
  );

  it("comes in pages without loss or repeat, the newest death first", async () => {
    await store(...many);
    const seen: StoredLetter[] = [];
    for (let pages = 0; pages < 9; pages += 1) {
      const last = seen.at(-1);
      const after = last === undefined ? null : { diedMs: last.diedMs, id: last.id };
      const page = await readLetters(test.sql, { ...ALL, after, limit: 4 });
      seen.push(...page);
      if (page.length < 4) break;
    }
    expect(idsOf(seen).toSorted()).toEqual(idsOf(many).toSorted());
    expect(seen.map(({ diedMs }) => diedMs)).toEqual(
      seen.map(({ diedMs }) => diedMs).toSorted((a, b) => b - a),
    );
  });

  it("is of one tier, one reason, one status", async () => {
    await store(...many);
    const found = await readLetters(test.sql, { ...ALL, tier: "T1", reason: "not_found" });
    const wanted = many.filter(({ tier, reason }) => tier === "T1" && reason === "not_found");
    expect(idsOf(found).toSorted()).toEqual(idsOf(wanted).toSorted());
    const [first] = found;
    if (first === undefined) throw new Error("nothing found");
    await markLetters(test.sql, [first], "discarded", NOW_MS);
    expect(idsOf(await readLetters(test.sql, { ...ALL, status: "discarded" }))).toEqual([first.id]);
    expect(await readLetters(test.sql, ALL)).toHaveLength(22);
  });

  it("to requeue begins with the oldest death of the tier", async () => {
    await store(...many);
    const oldest = await readOldestDead(test.sql, "T1", 3);
    expect(oldest.map(({ tier, diedMs }) => [tier, diedMs - DIED_MS])).toEqual([
      ["T1", 0],
      ["T1", 0],
      ["T1", 1],
    ]);
  });
});

describe("the statistics", () => {
  it("count the dead by tier, reason and age, and nothing else", async () => {
    const nowMs = OPEN_MS + 30 * 24 * HOUR_MS;
    const ages = [0.5, 2, 30, 24 * 7 + 1, 24 * 20];
    const letters = ages.map((hours, index) =>
      deadLetter({
        symbol: `S${index}`,
        tier: index < 2 ? "T0" : "T2",
        reason: index === 4 ? "unserved" : "malformed",
        died_ms: nowMs - hours * HOUR_MS,
      }),
    );
    const done = deadLetter({ symbol: "DONE", died_ms: OPEN_MS });
    await store(...letters, done);
    await markLetters(test.sql, [{ id: done.id, diedMs: done.died_ms }], "discarded", nowMs);
    expect(await letterStats(test.sql, nowMs)).toEqual({
      total: 5,
      byTier: { T0: 2, T1: 0, T2: 3 },
      byReason: { malformed: 4, bad_request: 0, not_found: 0, implausible: 0, unserved: 1 },
      byAge: { under_1h: 1, under_1d: 1, under_7d: 1, older: 2 },
      oldestMs: nowMs - 24 * 20 * HOUR_MS,
    });
    expect(await countDead(test.sql)).toEqual({ T0: 2, T1: 0, T2: 3 });
  });

  it("of nothing are zeroes without an oldest", async () => {
    expect(await letterStats(test.sql, NOW_MS)).toMatchObject({ total: 0, oldestMs: null });
    expect(await countDead(test.sql)).toEqual({ T0: 0, T1: 0, T2: 0 });
  });
});

describe("a decision about a letter", () => {
  it("is taken once, and not of a death that came after it was read", async () => {
    const [a, b] = [deadLetter(), deadLetter({ symbol: "B" })];
    await store(a, b);
    const read = [a, b].map(({ id, died_ms: diedMs }) => ({ id, diedMs }));
    await store({ ...b, died_ms: NOW_MS });
    expect(await markLetters(test.sql, read, "requeued", NOW_MS)).toEqual([a.id]);
    expect(await markLetters(test.sql, read, "requeued", NOW_MS)).toEqual([]);
    expect(idsOf(await readLetters(test.sql, ALL))).toEqual([b.id]);
  });
});

describe("an edit", () => {
  const at = (index: number) => OPEN_MS + index * MINUTE_MS;
  const range = (from: number, to: number) => ({ startMs: at(from), endMs: at(to) });
  const rangesOf = (letters: readonly StoredLetter[]) =>
    letters
      .map(({ startMs, endMs }) => [startMs, endMs].map((ms) => (ms - OPEN_MS) / MINUTE_MS))
      .toSorted(([a = 0], [b = 0]) => a - b);

  it("changes priority and note", async () => {
    await store(deadLetter());
    const letter = await read(deadLetter().id);
    const edit = { priority: 9, note: "asked the provider", range: letter };
    expect(await editLetter(test.sql, letter, edit, NOW_MS + 5)).toEqual({
      ...letter,
      priority: 9,
      note: "asked the provider",
      updatedMs: NOW_MS + 5,
    });
    expect(await readLetters(test.sql, ALL)).toHaveLength(1);
  });

  it("of the range leaves the rest dead as letters of their own: no minute is forgotten", async () => {
    await store(deadLetter());
    const letter = await read(deadLetter().id);
    const edit = { priority: 3, note: null, range: range(2, 5) };
    const edited = await editLetter(test.sql, letter, edit, NOW_MS);
    expect(edited).toMatchObject({ id: letter.id, priority: 3, ...range(2, 5) });
    const letters = await readLetters(test.sql, ALL);
    expect(rangesOf(letters)).toEqual([
      [0, 2],
      [2, 5],
      [5, 10],
    ]);
    expect(letters.find(({ startMs }) => startMs === at(5))).toMatchObject({
      id: `T0:AAPL:1m:${at(5)}:${at(10)}`,
      priority: 0,
      diedMs: DIED_MS,
      lastError: "too few bars",
    });
    if (edited === null) throw new Error("not edited");
    await editLetter(test.sql, edited, { ...edit, range: range(2, 3) }, NOW_MS);
    expect(rangesOf(await readLetters(test.sql, ALL))).toEqual([
      [0, 2],
      [2, 3],
      [3, 5],
      [5, 10],
    ]);
  });

  it("brings a rest back that had been requeued on its own before", async () => {
    const rest = deadLetter({ start_ms: at(5), died_ms: DIED_MS - 1 });
    await store(rest, deadLetter());
    await markLetters(test.sql, [{ id: rest.id, diedMs: rest.died_ms }], "requeued", NOW_MS);
    const letter = await read(deadLetter().id);
    await editLetter(test.sql, letter, { priority: 0, note: null, range: range(0, 5) }, NOW_MS);
    expect(rangesOf(await readLetters(test.sql, ALL))).toEqual([
      [0, 5],
      [5, 10],
    ]);
  });

  it("is refused when the letter is not as it was read, or not dead any more", async () => {
    await store(deadLetter());
    const letter = await read(deadLetter().id);
    const edit = { priority: 1, note: null, range: letter };
    await editLetter(test.sql, letter, edit, NOW_MS);
    expect(await editLetter(test.sql, letter, { ...edit, priority: 2 }, NOW_MS)).toBeNull();
    const fresh = await read(letter.id);
    await markLetters(test.sql, [fresh], "requeued", NOW_MS);
    expect(await editLetter(test.sql, fresh, edit, NOW_MS)).toBeNull();
    expect(await read(letter.id)).toMatchObject({ priority: 1, status: "requeued" });
  });

  it("never widens the range", async () => {
    await store(deadLetter());
    const letter = await read(deadLetter().id);
    for (const wrong of [range(-1, 5), range(5, 11), range(5, 5)]) {
      const edit = { priority: 0, note: null, range: wrong };
      await expect(editLetter(test.sql, letter, edit, NOW_MS)).rejects.toThrow("not a part");
    }
  });
});
