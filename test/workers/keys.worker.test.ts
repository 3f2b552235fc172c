import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { DEFAULT_KEY_LIMITS, type KeyMade } from "../../src/contracts/keys.ts";
import { toIso } from "../../src/domain/time.ts";
import { FRESH_MS, HOLD_MS } from "../../src/keys/grant-cache.ts";
import { KeyBook } from "../../src/keys/key-book.ts";
import { ask, keyViewSchema, madeOf, makeKey, refusal, store } from "./support/keys.ts";
import { stopWall } from "./support/wall.ts";
import { KEY, useWorld } from "./support/world.ts";

useWorld();
let wall: ReturnType<typeof stopWall>;
beforeEach(() => {
  wall = stopWall();
});

const READ = "/v1/calendar?start=2026-03-02&end=2026-03-06";
const read = async (key: string) => (await ask("GET", READ, { key })).status;
const listSchema = z
  .object({
    keys: z.array(keyViewSchema),
    bootstrap: keyViewSchema.shape.usage,
    next_page_token: z.string().nullable(),
  })
  .strict();
const list = async (query = "") =>
  listSchema.parse(await (await ask("GET", `/ops/keys${query}`)).json());
const oneSchema = z.object({
  key: keyViewSchema,
  acts: z.array(z.object({ actor: z.string(), act: z.string(), reason: z.string().nullable() })),
});
const one = async (id: string) =>
  oneSchema.parse(await (await ask("GET", `/ops/keys/${id}`)).json());

describe("a made key", () => {
  it("opens what its role may use, and is shown in the answer that makes it alone", async () => {
    const made = await makeKey("read");
    expect(made.key).toMatch(/^mds_[A-Za-z0-9_-]{43}$/);
    expect(made).toMatchObject({
      status: "valid",
      expires_at: null,
      limits: { requests_per_minute: 600, connections_per_host: 1_024 },
    });
    expect(await read(made.key)).toBe(200);
    expect(await refusal(ask("GET", "/ops/keys", { key: made.key }))).toEqual([403, "forbidden"]);
    const told = [
      await (await ask("GET", "/ops/keys")).text(),
      await (await ask("GET", `/ops/keys/${made.id}`)).text(),
      await runInDurableObject(store(), (_, { storage }) =>
        ["api_key", "key_use", "audit"]
          .map((name) => JSON.stringify(storage.sql.exec(`SELECT * FROM ${name}`).toArray()))
          .join("\n"),
      ),
    ];
    for (const text of told) {
      expect(text).toContain(made.id);
      expect(text).not.toContain(made.key);
      expect(text).not.toContain(made.key.slice("mds_".length));
    }
  });

  it("stops at its end, and says so", async () => {
    const expires_at = toIso(wall.now() + 60_000);
    const { key, id } = await makeKey("read", { expires_at });
    expect(await read(key)).toBe(200);
    wall.pass(59_999);
    expect(await read(key)).toBe(200);
    wall.pass(1);
    expect(await refusal(ask("GET", READ, { key }))).toEqual([401, "key_expired"]);
    expect((await one(id)).key).toMatchObject({ status: "expired", expires_at });
  });

  it("is refused everywhere within 5 s of its revocation, and stays in the list", async () => {
    const { key, id } = await makeKey("ops");
    expect(await read(key)).toBe(200);
    expect((await ask("DELETE", `/ops/keys/${id}`)).status).toBe(200);
    wall.pass(FRESH_MS);
    expect(await refusal(ask("GET", READ, { key }))).toEqual([401, "key_revoked"]);
    expect((await list()).keys).toMatchObject([{ id, status: "revoked" }]);
    // Again: nothing changes, and nothing is written.
    const again = await ask("DELETE", `/ops/keys/${id}`);
    expect(await again.json()).toMatchObject({ key: { status: "revoked" } });
    expect((await one(id)).acts.map(({ act }) => act)).toEqual(["revoke_key", "make_key"]);
  });

  it("holds on for a while when ConfigStore is away; one that is not known is not judged", async () => {
    const [known, fresh] = [await makeKey("read"), await makeKey("read")];
    expect(await read(known.key)).toBe(200);
    vi.spyOn(console, "error").mockImplementation(() => {});
    const away = vi
      .spyOn(ConfigStore.prototype, "keyGrant")
      .mockRejectedValue(new Error("overloaded"));
    wall.pass(FRESH_MS);
    expect(await read(known.key)).toBe(200);
    const answer = await ask("GET", READ, { key: fresh.key });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    wall.pass(HOLD_MS - FRESH_MS - 1);
    expect(await read(known.key)).toBe(200);
    wall.pass(1);
    expect(await refusal(ask("GET", READ, { key: known.key }))).toEqual([503, "unavailable"]);
    expect(await read(KEY)).toBe(200);
    away.mockRestore();
    expect([await read(known.key), await read(fresh.key)]).toEqual([200, 200]);
  });

  it("is not looked up when it can be none", async () => {
    const asked = vi.spyOn(ConfigStore.prototype, "keyGrant");
    const { key } = await makeKey("read");
    for (const wrong of ["wrong", key.slice(0, -1), `${key}x`, key.replace("mds_", "MDS_")])
      expect(await refusal(ask("GET", READ, { key: wrong }))).toEqual([401, "unauthorized"]);
    expect(asked).not.toHaveBeenCalled();
    const other = `mds_${"A".repeat(43)}`;
    for (let time = 0; time < 3; time += 1) expect(await read(other)).toBe(401);
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe("a rotation", () => {
  it("makes a successor that is like the old key, which holds for the overlap", async () => {
    const limits = { requests_per_minute: 60, connections_per_host: 2 };
    const old = await makeKey("read", { limits });
    const next = await madeOf(
      await ask("POST", `/ops/keys/${old.id}/rotate`, { body: { overlap_s: 600 } }),
    );
    expect(next).toMatchObject({ name: old.name, role: "read", limits, replaces: old.id });
    expect(next.expires_at).toBeNull();
    expect((await one(old.id)).key).toMatchObject({
      replaced_by: next.id,
      expires_at: toIso(wall.now() + 600_000),
    });
    expect([await read(old.key), await read(next.key)]).toEqual([200, 200]);
    wall.pass(600_000);
    expect(await refusal(ask("GET", READ, { key: old.key }))).toEqual([401, "key_expired"]);
    expect(await read(next.key)).toBe(200);
    expect((await one(old.id)).acts[0]).toMatchObject({ actor: "bootstrap", act: "rotate_key" });
  });

  it("never makes the old key live longer, and gives its successor the same span unless told", async () => {
    const old = await makeKey("read", { expires_at: toIso(wall.now() + 3_600_000) });
    wall.pass(1_800_000);
    const rotate = async (body: unknown) =>
      await madeOf(await ask("POST", `/ops/keys/${old.id}/rotate`, { body }));
    const first = await rotate({ overlap_s: 86_400 });
    expect((await one(old.id)).key.expires_at).toBe(old.expires_at);
    expect(first.expires_at).toBe(toIso(wall.now() + 3_600_000));
    await rotate({ overlap_s: 60 });
    // The answer was lost: once more, while the old one holds.
    const third = await rotate({});
    expect(third.expires_at).toBe(toIso(wall.now() + 3_600_000));
    expect((await one(old.id)).key.expires_at).toBe(toIso(wall.now() + 60_000));
    expect((await rotate({ expires_at: null })).expires_at).toBeNull();
  });

  it("is refused of a key that has ended, and of none", async () => {
    const { id } = await makeKey("read");
    await ask("DELETE", `/ops/keys/${id}`);
    expect(await refusal(ask("POST", `/ops/keys/${id}/rotate`))).toEqual([409, "key_ended"]);
    for (const nobody of ["k_0000000000000000", "bootstrap", "K!", "%20"]) {
      const path = `/ops/keys/${nobody}`;
      expect(await refusal(ask("POST", `${path}/rotate`))).toEqual([404, "unknown_key"]);
      expect(await refusal(ask("DELETE", path))).toEqual([404, "unknown_key"]);
      expect(await refusal(ask("GET", path))).toEqual([404, "unknown_key"]);
    }
  });
});

describe("a wrong request", () => {
  it("is told every fault, and makes no key", async () => {
    const good = { name: "a", role: "read" };
    for (const body of [
      {},
      "",
      "{",
      { ...good, name: " " },
      { ...good, name: "a".repeat(81) },
      { ...good, role: "public" },
      { ...good, expires_at: toIso(wall.now()) },
      { ...good, expires_at: "2200-01-01T00:00:00Z" },
      { ...good, expires_at: "tomorrow" },
      { ...good, limits: { requests_per_minute: 61 } },
      { ...good, limits: { connections_per_host: 0 } },
      { ...good, key: "mds_mine" },
    ])
      expect(await refusal(ask("POST", "/ops/keys", { body }))).toEqual([422, "invalid_body"]);
    const large = { ...good, name: "a".repeat(5_000) };
    expect(await refusal(ask("POST", "/ops/keys", { body: large }))).toEqual([
      413,
      "body_too_large",
    ]);
    const { id } = await makeKey("read");
    for (const body of [{ overlap_s: -1 }, { overlap_s: 1e9 }, { overlap: 1 }])
      expect(await refusal(ask("POST", `/ops/keys/${id}/rotate`, { body }))).toEqual([
        422,
        "invalid_body",
      ]);
    expect(await refusal(ask("GET", "/ops/keys?page_token=x"))).toEqual([400, "bad_page_token"]);
    expect(await refusal(ask("GET", "/ops/keys?limit=0"))).toEqual([422, "invalid_parameter"]);
    expect((await list()).keys).toHaveLength(1);
  });
});

describe("the list", () => {
  it("pages, the newest first, and tells how each key and the bootstrap key are used", async () => {
    const made = [];
    for (const role of ["read", "metrics", "ops"] as const) {
      made.unshift(await makeKey(role));
      wall.pass(1_000);
    }
    const [ops, metrics, reader] = made;
    if (ops === undefined || metrics === undefined || reader === undefined) throw new Error("none");
    await read(reader.key);
    await read(reader.key);
    await read(metrics.key);
    const usedMs = wall.now();
    const first = await list("?limit=2");
    expect(first.keys.map(({ id }) => id)).toEqual([ops.id, metrics.id]);
    const second = await list(`?limit=2&page_token=${first.next_page_token}`);
    expect(second.keys.map(({ id }) => id)).toEqual([reader.id]);
    expect(second.next_page_token).toBeNull();
    const usage = [...first.keys, ...second.keys].map((key) => key.usage);
    expect(usage).toEqual([
      { requests: 0, refused: 0, last_used_at: null },
      { requests: 1, refused: 1, last_used_at: toIso(usedMs) },
      { requests: 2, refused: 0, last_used_at: toIso(usedMs) },
    ]);
    // The three that made keys, and the two lists.
    expect(second.bootstrap).toMatchObject({ requests: 5, refused: 0 });
  });
});

describe("an act", () => {
  it("is audited under the id of the key that was used", async () => {
    const { key, id } = await makeKey("ops");
    const { id: made } = await madeOf(
      await ask("POST", "/ops/keys", { key, body: { name: "second", role: "read" } }),
    );
    expect((await one(made)).acts).toEqual([
      { actor: id, act: "make_key", reason: "read: second" },
    ]);
    await ask("POST", "/ops/providers/alpaca/isolate", { key });
    const shown = z
      .object({ acts: z.array(z.object({ actor: z.string() })) })
      .parse(await (await ask("GET", "/providers/alpaca")).json());
    expect(shown.acts).toEqual([{ actor: id }]);
  });
});

describe("the book", () => {
  const newKey = (name: string, expiresMs: number | null = null) => ({
    name,
    role: "read" as const,
    limits: DEFAULT_KEY_LIMITS,
    digest: name.padEnd(64, "0"),
    expiresMs,
  });
  const idOf = (made: KeyMade) => (made.kind === "made" ? made.record.id : made.kind);

  it("holds a bounded number of keys, and forgets those that ended first", async () => {
    await runInDurableObject(store(), (_, { storage }) => {
      const book = new KeyBook(storage, 2, 3);
      const by = (atMs: number) => ({ actor: "test", atMs });
      const [a, b] = [idOf(book.make(newKey("a"), by(1))), idOf(book.make(newKey("b", 50), by(2)))];
      book.addUses([{ id: a, requests: 1, refused: 0, lastMs: 1 }]);
      expect(book.make(newKey("c"), by(3))).toEqual({ kind: "full" });
      const rotation = { id: a, digest: "d".padEnd(64, "0"), overlapMs: 0 };
      expect(book.rotate(rotation, by(3))).toEqual({ kind: "full" });
      book.revoke(a, by(40));
      const c = idOf(book.make(newKey("c"), by(50)));
      const d = idOf(book.make(newKey("d"), by(51)));
      // Four rows are one too many: the key that ended at 40 is gone with its use.
      expect(book.page(null, 10).keys.map(({ id }) => id)).toEqual([d, c, b]);
      expect(storage.sql.exec("SELECT id FROM key_use").toArray()).toEqual([]);
      expect(book.grant({ id: a })).toBeNull();
    });
  });

  it("finds a key by its whole digest only, and counts the use of keys that it has", async () => {
    await runInDurableObject(store(), (_, { storage }) => {
      const book = new KeyBook(storage);
      const by = { actor: "test", atMs: 1 };
      const alike = ["1", "2"].map((end) => `${"a".repeat(63)}${end}`);
      const ids = alike.map((digest) => idOf(book.make({ ...newKey("a"), digest }, by)));
      expect(alike.map((digest) => book.grant({ digest })?.id)).toEqual(ids);
      expect(book.grant({ digest: `${"a".repeat(63)}3` })).toBeNull();
      const use = { requests: 2, refused: 1, lastMs: 5 };
      const [id = ""] = ids;
      book.addUses([
        { id, ...use },
        { id: "k_nobody", ...use },
        { id: "bootstrap", ...use },
      ]);
      book.addUses([{ id, ...use, lastMs: 3 }]);
      expect(book.read(id)?.usage).toEqual({ requests: 4, refused: 2, lastUsedMs: 5 });
      expect(book.page(null, 1).bootstrap).toEqual({ requests: 2, refused: 1, lastUsedMs: 5 });
      expect(storage.sql.exec("SELECT id FROM key_use").toArray()).toHaveLength(2);
    });
  });
});
