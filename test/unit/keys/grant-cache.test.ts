import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_KEY_LIMITS, type KeyGrant } from "../../../src/contracts/keys.ts";
import { FRESH_MS, GrantCache, HOLD_MS } from "../../../src/keys/grant-cache.ts";

const grant = (revokedMs: number | null = null): KeyGrant => ({
  id: "k_1",
  role: "read",
  limits: DEFAULT_KEY_LIMITS,
  expiresMs: null,
  revokedMs,
});

/** A cache over a book that says what it is told to, and counts how often it is asked. */
function world() {
  const state = {
    now: 1_000_000,
    asked: 0,
    admitted: 0,
    says: async (): Promise<KeyGrant | null> => grant(),
  };
  const cache = new GrantCache({
    read: async () => {
      state.asked += 1;
      return await state.says();
    },
    now: () => state.now,
  });
  const find = async (admits = true) =>
    await cache.find({ id: "k_1" }, async () => {
      state.admitted += 1;
      return admits;
    });
  return { state, find, cache };
}
const away = () => Promise.reject(new Error("away"));

describe("what a key grants", () => {
  it("is asked for once in 5 s, and admitted once", async () => {
    const { state, find } = world();
    for (let time = 0; time < 3; time += 1) expect((await find()).kind).toBe("known");
    expect([state.asked, state.admitted]).toEqual([1, 1]);
    state.now += FRESH_MS;
    await find(false);
    expect([state.asked, state.admitted]).toEqual([2, 1]);
  });

  it("is not asked for when nobody admits it", async () => {
    const { state, find } = world();
    expect(await find(false)).toEqual({ kind: "turned_away" });
    expect(state.asked).toBe(0);
  });

  it("is remembered as nothing for 5 s", async () => {
    const { state, find } = world();
    state.says = async () => null;
    for (let time = 0; time < 3; time += 1) expect(await find()).toEqual({ kind: "unknown" });
    expect([state.asked, state.admitted]).toEqual([1, 3]);
    state.says = async () => grant();
    state.now += FRESH_MS;
    expect((await find()).kind).toBe("known");
  });

  it("holds on while the book is away, which is then asked once a second", async () => {
    const { state, find } = world();
    await find();
    state.says = away;
    state.now += FRESH_MS;
    for (let time = 0; time < 3; time += 1) expect((await find()).kind).toBe("known");
    expect(state.asked).toBe(2);
    state.now += 1_000;
    await find();
    expect(state.asked).toBe(3);
    state.now += HOLD_MS;
    expect((await find()).kind).toBe("unavailable");
  });

  it("is that of the later question when two answers cross", async () => {
    const { state, find } = world();
    const { promise, resolve } = Promise.withResolvers<KeyGrant>();
    state.says = () => promise;
    const early = find();
    state.now += 100;
    state.says = async () => grant(1);
    await find();
    resolve(grant());
    await early;
    expect(await find()).toMatchObject({ kind: "known", grant: { revokedMs: 1 } });
  });

  it("is never older than 5 s while the book answers, however requests come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 7_000 }), fc.constantFrom("ask", "revoke"))),
        async (steps) => {
          const { state, find } = world();
          let revokedMs: number | null = null;
          state.says = async () => grant(revokedMs);
          for (const [passMs, act] of steps) {
            state.now += passMs;
            if (act === "revoke") revokedMs ??= state.now;
            const found = await find();
            if (found.kind !== "known") throw new Error(found.kind);
            if (revokedMs !== null && state.now - revokedMs >= FRESH_MS)
              expect(found.grant.revokedMs).toBe(revokedMs);
          }
        },
      ),
    );
  });

  it("is remembered of a bounded number of keys", async () => {
    const { state, cache } = world();
    for (let key = 0; key < 1_500; key += 1) await cache.find({ id: `k_${key}` }, async () => true);
    const before = state.asked;
    await cache.find({ id: "k_1499" }, async () => true);
    await cache.find({ id: "k_0" }, async () => true);
    expect(state.asked - before).toBe(1);
  });
});
