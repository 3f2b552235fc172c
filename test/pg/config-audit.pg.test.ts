import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NumberedAct } from "../../src/platform/act-log.ts";
import { readNewestAct, storeActs } from "../../src/postgres/config-audit-store.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const NOW_MS = Date.parse("2026-03-20T14:00:00.123Z");

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  await test.database.query("truncate config_audit");
});

function act(id: number, over: Partial<NumberedAct> = {}): NumberedAct {
  const atMs = NOW_MS + id * 1_000;
  const told = { actor: "k_1", act: "isolate", subject: "provider:iex", reason: "empty answers" };
  return { id, atMs, ...told, detail: null, ...over };
}
const rows = (fields: string) =>
  test.database.query(`select ${fields} from config_audit order by at, id`);

describe("the table config_audit", () => {
  it("has acts as they were, each once however often it is stored", async () => {
    const detail = [{ path: "$.timeout_ms", before: 5_000, after: 900 }];
    const set = act(2, { act: "config_set", reason: null, detail: JSON.stringify(detail) });
    await storeActs(test.sql, [act(1), set]);
    await storeActs(test.sql, [act(1, { reason: "another" }), set, act(3)]);
    expect(await rows("id::int, act, reason, detail")).toEqual([
      { id: 1, act: "isolate", reason: "empty answers", detail: null },
      { id: 2, act: "config_set", reason: null, detail },
      { id: 3, act: "isolate", reason: "empty answers", detail: null },
    ]);
  });

  it("knows the newest act by its number and its instant to the millisecond", async () => {
    expect(await readNewestAct(test.sql)).toBeNull();
    const atMs = NOW_MS + 5_000;
    await storeActs(test.sql, [act(9, { atMs }), act(10, { atMs }), act(1)]);
    expect(await readNewestAct(test.sql)).toEqual({ id: 10, atMs });
  });

  it("has two acts of one number when ConfigStore gave it out again", async () => {
    await storeActs(test.sql, [act(1), act(2)]);
    const again = act(2, { atMs: NOW_MS + 60_000, reason: "after it was set back" });
    await storeActs(test.sql, [act(1), again]);
    expect((await rows("id::int")).map(({ id }) => id)).toEqual([1, 2, 2]);
    expect(await readNewestAct(test.sql)).toEqual({ id: 2, atMs: again.atMs });
  });

  it("takes whatever an act may hold, for one that is refused would stop all behind it", async () => {
    const nasty = '\0 \uD800 "{}", \\u0000';
    await storeActs(test.sql, [
      act(1, {
        actor: "a".repeat(500),
        act: "b".repeat(500),
        subject: "c".repeat(500),
        // Hidden, an address is longer than it was.
        reason: `${"d".repeat(283)} postgres://a 😀`,
        detail: JSON.stringify([{ path: nasty, before: { [nasty]: nasty }, after: null }]),
      }),
      act(2, { reason: nasty }),
    ]);
    const [first, second] = await rows("length(actor) a, length(subject) s, reason, detail");
    expect(first).toMatchObject({ a: 100, s: 200 });
    expect(first?.["reason"]).toMatch(/postgres:..\[secr$/);
    const clean = '\uFFFD \uFFFD "{}", \\u0000';
    expect(first?.["detail"]).toEqual([{ path: clean, before: { [clean]: clean }, after: null }]);
    expect(second?.["reason"]).toBe(clean);
  });
});
