import { beforeEach, describe, expect, it, vi } from "vitest";
import { DEFAULT_KEY_LIMITS, type KeyGrant, type KeyUse } from "../../src/contracts/keys.ts";
import { KeyDesk } from "../../src/keys/key-desk.ts";
import {
  digestOf,
  isMadeKey,
  isSameDigest,
  makeKeyId,
  makeKeyText,
} from "../../src/keys/key-text.ts";
import { gate } from "./support/world.ts";

beforeEach(() => {
  vi.restoreAllMocks();
});

const BOOTSTRAP = "a-bootstrap-key-of-thirty-chars";
const admit = async () => true;

/** A desk over a book with one key, whose time and waits are moved by hand. */
async function world() {
  const key = makeKeyText();
  const digest = await digestOf(key);
  const told: KeyUse[][] = [];
  const state = {
    now: 1_000_000,
    isAway: false,
    wait: gate(),
  };
  const grant: KeyGrant = {
    id: "k_1",
    role: "read",
    limits: DEFAULT_KEY_LIMITS,
    expiresMs: null,
    revokedMs: null,
  };
  const desk = new KeyDesk({
    bootstrapKey: BOOTSTRAP,
    readGrant: async (lookup) =>
      "digest" in lookup ? (lookup.digest === digest ? grant : null) : null,
    addUses: async (uses) => {
      if (state.isAway) throw new Error("away");
      told.push([...uses]);
    },
    now: () => state.now,
    sleep: () => state.wait.passed,
  });
  return { desk, state, told, key };
}

describe("a key", () => {
  it("is the secret, one of the book, or none", async () => {
    const { desk, key } = await world();
    expect(await desk.check(BOOTSTRAP, admit)).toMatchObject({
      kind: "valid",
      holder: { id: "bootstrap", role: "ops" },
    });
    expect(await desk.check(key, admit)).toMatchObject({ kind: "valid", holder: { id: "k_1" } });
    for (const other of ["", `${BOOTSTRAP} `, BOOTSTRAP.slice(1), makeKeyText()])
      expect(await desk.check(other, admit)).toEqual({ kind: "unknown" });
    expect(await desk.checkId("bootstrap")).toMatchObject({ kind: "valid" });
    expect(await desk.checkId("k_2")).toEqual({ kind: "unknown" });
  });

  it("is random, has one form, and is told from another by all of its digest", async () => {
    const made = Array.from({ length: 100 }, makeKeyText);
    expect(new Set(made).size).toBe(100);
    expect(made.every(isMadeKey)).toBe(true);
    expect(new Set(Array.from({ length: 100 }, makeKeyId)).size).toBe(100);
    const digest = await digestOf("abc");
    // The digest of "abc" in FIPS 180-2, appendix B.1.
    expect(digest).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(isSameDigest(digest, digest)).toBe(true);
    for (const other of ["", digest.slice(1), `${digest}0`, digest.replace(/.$/, "e")])
      expect(isSameDigest(digest, other)).toBe(false);
  });
});

describe("the use of keys", () => {
  it("is told once for all requests of a while", async () => {
    const { desk, state, told } = await world();
    desk.note("k_1", false);
    const report = desk.reportLater();
    desk.note("k_1", true);
    expect(desk.reportLater()).toBeNull();
    expect(told).toEqual([]);
    state.wait.open();
    await report;
    expect(told).toEqual([[{ id: "k_1", requests: 2, refused: 1, lastMs: state.now }]]);
    await desk.report();
    expect(told).toHaveLength(1);
  });

  it("is kept when it could not be told, and told by another request when one was cut off", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { desk, state, told } = await world();
    desk.note("k_1", false);
    state.isAway = true;
    await desk.report();
    state.isAway = false;
    // Its request was cut off: this one never comes to its end.
    expect(desk.reportLater()).not.toBeNull();
    state.now += 29_999;
    expect(desk.reportLater()).toBeNull();
    state.now += 1;
    desk.note("k_1", false);
    const report = desk.reportLater();
    state.wait.open();
    await report;
    expect(told.flat()).toMatchObject([{ id: "k_1", requests: 2 }]);
  });
});
