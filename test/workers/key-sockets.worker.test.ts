import { evictDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { toIso } from "../../src/domain/time.ts";
import { FRESH_MS } from "../../src/keys/grant-cache.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { ask, makeKey, refusal } from "./support/keys.ts";
import { StreamClient } from "./support/stream-client.ts";
import { stopWall } from "./support/wall.ts";
import { AAPL_GROUP, connect, group, load, minute, useWorld } from "./support/world.ts";

useWorld();
let wall: ReturnType<typeof stopWall>;
beforeEach(async () => {
  wall = stopWall();
  await load([AAPL_GROUP]);
});

/** A socket that AAPL's group holds. */
async function upgrade(query: string, headers: Readonly<Record<string, string>> = {}) {
  const request = new Request(`https://mds.test/v1/stream?symbols=AAPL${query}`, {
    headers: { Upgrade: "websocket", ...headers },
  });
  return await exports.default.fetch(request);
}
const byKey = (key: string) => upgrade("", { authorization: `Bearer ${key}` });
async function open(key: string): Promise<StreamClient> {
  const { webSocket, status } = await byKey(key);
  if (webSocket === null) throw new Error(`no socket: ${status}`);
  return new StreamClient(webSocket);
}

/** Lets the host's minute come round. */
async function sweep(index: number): Promise<void> {
  stepMarketClock(minute(index) + 5_000);
  await group(AAPL_GROUP).runUntilQuiet();
}

const ticketOf = async (key: string) => {
  const answer = await ask("POST", "/v1/stream/tickets", { key });
  return z.object({ ticket: z.string() }).parse(await answer.json()).ticket;
};

describe("a connection", () => {
  it("is closed with 4503 at the next sweep after its key was revoked, and others stay", async () => {
    const [reader, other] = [await makeKey("read"), await makeKey("read")];
    const revoked = await open(reader.key);
    const kept = [await open(other.key), await connect("?symbols=AAPL")];
    await evictDurableObject(group(AAPL_GROUP), { webSockets: "hibernate" });
    await sweep(2);
    expect(revoked.closed).toBeNull();
    await ask("DELETE", `/ops/keys/${reader.id}`);
    await sweep(3);
    expect(await revoked.closing()).toBe(4503);
    for (const client of kept) {
      await client.settled();
      expect(client.closed).toBeNull();
    }
    wall.pass(FRESH_MS);
    expect(await refusal(byKey(reader.key))).toEqual([401, "key_revoked"]);
  });

  it("is closed when its key expires, also while ConfigStore is away, and not for that alone", async () => {
    const short = await makeKey("read", { expires_at: toIso(wall.now() + 90_000) });
    const long = await makeKey("read");
    const clients = [await open(short.key), await open(long.key)] as const;
    await sweep(2);
    vi.spyOn(ConfigStore.prototype, "keyGrants").mockRejectedValue(new Error("overloaded"));
    vi.spyOn(console, "warn").mockImplementation(() => {});
    wall.pass(60_000);
    await sweep(3);
    expect(clients.map(({ closed }) => closed)).toEqual([null, null]);
    wall.pass(30_000);
    await sweep(4);
    expect(await clients[0].closing()).toBe(4503);
    expect(clients[1].closed).toBeNull();
  });

  it("is one of as many as its key may have on a host", async () => {
    const limits = { connections_per_host: 2 };
    const [few, many] = [await makeKey("read", { limits }), await makeKey("read")];
    const first = await open(few.key);
    const second = await open(few.key);
    const third = await open(few.key);
    expect(await third.closing()).toBe(4504);
    const other = await open(many.key);
    await other.settled();
    expect([first.closed, second.closed, other.closed]).toEqual([null, null, null]);
  });

  it("is refused to a key that is not for reading, without being asked whether it is an upgrade", async () => {
    const metrics = await makeKey("metrics");
    expect(await refusal(byKey(metrics.key))).toEqual([403, "forbidden"]);
    expect(await refusal(ask("POST", "/v1/stream/tickets", { key: metrics.key }))).toEqual([
      403,
      "forbidden",
    ]);
  });
});

describe("a ticket", () => {
  it("opens a connection of the key that bought it", async () => {
    const { key, id } = await makeKey("read", { limits: { connections_per_host: 1 } });
    const { webSocket } = await upgrade(`&ticket=${await ticketOf(key)}`);
    if (webSocket === null) throw new Error("no socket");
    const client = new StreamClient(webSocket);
    await client.settled();
    await ask("DELETE", `/ops/keys/${id}`);
    // Its host is that of its connection, whatever the symbols are.
    for (let number = 0; client.closed === null && number < 32; number += 1) {
      stepMarketClock(minute(3) + 5_000);
      await group(number).runUntilQuiet();
    }
    expect(await client.closing()).toBe(4503);
  });

  it("is worth nothing once its key is revoked or expired", async () => {
    const reader = await makeKey("read");
    const short = await makeKey("read", { expires_at: toIso(wall.now() + 10_000) });
    const [first, second] = [await ticketOf(reader.key), await ticketOf(short.key)];
    await ask("DELETE", `/ops/keys/${reader.id}`);
    expect(await refusal(upgrade(`&ticket=${first}`))).toEqual([401, "key_revoked"]);
    wall.pass(10_000);
    expect(await refusal(upgrade(`&ticket=${second}`))).toEqual([401, "key_expired"]);
  });
});
