import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { createApp } from "../../src/api/app.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { setConfig } from "./support/configs.ts";
import { numbers, StreamClient } from "./support/stream-client.ts";
import { watchUpgrades } from "./support/watch-upgrades.ts";
import {
  AAPL_GROUP,
  group,
  ingestMinute,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";

const HOMES = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const NAME = "h-weur-0";
useWorld();

const host = () => env.SYMBOL_GROUP.getByName(NAME);

async function connectToHost(): Promise<StreamClient> {
  const response = await host().fetch("https://mds.test/v1/stream", {
    headers: { Upgrade: "websocket" },
  });
  if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
  return new StreamClient(response.webSocket);
}

/** One bar of each home's symbol. */
async function ingestEverywhere(index: number): Promise<void> {
  await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
  await ingestMinute(MSFT_GROUP, index, { MSFT: 200 + index });
  await ingestMinute(SPY_GROUP, index, { SPY: 500 + index, BAC: 30 });
}

const followersOf = async (home: number) =>
  await runInDurableObject(group(home), (_, { storage }) =>
    storage.sql.exec<{ host: string }>("SELECT host FROM follower").toArray(),
  );

const connectionsHere = async () =>
  await runInDurableObject(host(), (_, state) => state.getWebSockets().length);

describe("a host-only instance", () => {
  it("brings the flushes of several homes to its connections, each stream contiguous", async () => {
    await load(HOMES);
    const client = await connectToHost();
    const ack = await client.subscribe(["AAPL", "MSFT", "SPY"]);
    expect(ack.subs["bars.1m"]?.count).toBe(3);
    for (const index of [0, 1, 2]) await ingestEverywhere(index);
    await client.settled();
    for (const home of HOMES) {
      expect(numbers(client.flushes(`${home}b`)), `${home}b`).toEqual([1, 2, 3]);
      expect(await followersOf(home)).toEqual([{ host: NAME }]);
    }
    const symbols = client
      .flushes()
      .flatMap((flush) => flush.bars?.rows.map((row) => row[0]) ?? []);
    expect(symbols.toSorted()).toEqual(
      ["AAPL", "MSFT", "SPY"].flatMap((symbol) => [symbol, symbol, symbol]),
    );
  });

  it("goes on after an eviction, and a client that comes back by token gets what it missed", async () => {
    await load(HOMES);
    const [staying, leaving] = [await connectToHost(), await connectToHost()];
    await staying.subscribe(["*"]);
    const { token } = await leaving.subscribe(["AAPL", "SPY"]);
    await ingestEverywhere(0);
    leaving.socket.close();
    await staying.settled();
    await evictDurableObject(host());
    await ingestEverywhere(1);
    const back = await connectToHost();
    const ack = await back.subscribe(["AAPL", "SPY"], { resume: token });
    expect(ack.resume?.map(({ recovered, to }) => [recovered, to])).toEqual([
      [true, 2],
      [true, 2],
    ]);
    await evictDurableObject(host());
    await ingestEverywhere(2);
    await Promise.all([staying.settled(), back.settled()]);
    for (const home of HOMES)
      expect(numbers(staying.flushes(`${home}b`)), `${home}b`).toEqual([1, 2, 3]);
    for (const home of [AAPL_GROUP, SPY_GROUP])
      expect(numbers(back.flushes(`${home}b`)), `${home}b`).toEqual([1, 2, 3]);
    expect(back.flushes(`${MSFT_GROUP}b`)).toEqual([]);
  });

  it("asks for what no delivery brought, by its own sweep", async () => {
    await load([AAPL_GROUP]);
    const client = await connectToHost();
    await client.subscribe(["AAPL"]);
    vi.spyOn(SymbolGroup.prototype, "deliver").mockRejectedValue(new Error("the network was lost"));
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    await evictDurableObject(host());
    stepMarketClock(minute(5));
    await host().runUntilQuiet();
    await client.settled();
    expect(numbers(client.flushes())).toEqual([1]);
  });

  it("has no home side: it plans nothing, and is asked for none of it in vain", async () => {
    await load([AAPL_GROUP]);
    const client = await connectToHost();
    await client.subscribe(["AAPL"]);
    const duties = await runInDurableObject(host(), (_, { storage }) =>
      storage.sql.exec<{ name: string }>("SELECT name FROM duty").toArray(),
    );
    expect(duties).toEqual([{ name: "sweep" }]);
    await runInDurableObject(host(), (instance) => {
      expect(() => instance.status()).toThrow("h-weur-0 is home of no symbol");
    });
    client.socket.close();
    await vi.waitFor(async () => expect(await connectionsHere()).toBe(0));
    stepMarketClock(minute(2));
    expect(await host().runUntilQuiet()).toBeNull();
  });

  it("is left by its homes when its last connection is gone", async () => {
    await load([AAPL_GROUP]);
    const client = await connectToHost();
    await client.subscribe(["AAPL"]);
    client.socket.close();
    await vi.waitFor(async () => expect(await connectionsHere()).toBe(0));
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100 });
    expect(await followersOf(AAPL_GROUP)).toEqual([]);
  });
});

describe("a deployment with extra hosts", () => {
  const ask = async (path: string, init: RequestInit = {}) =>
    await createApp().fetch(new Request(`https://mds.test${path}`, init), env);
  const headers = { Upgrade: "websocket", authorization: `Bearer ${KEY}` };

  it("hosts a share of the connections near their clients, by the continent of the request", async () => {
    await setConfig({ stream: { extra_hosts: 8 } });
    const seen = watchUpgrades();
    const cf = { continent: "EU", country: "GB", longitude: "-0.1" };
    for (let count = 0; count < 60; count += 1) {
      const { status } = await ask("/v1/stream?symbols=AAPL,MSFT", { headers, cf });
      expect(status).toBe(101);
    }
    const extra = seen.map(({ host: name }) => name).filter((name) => name.startsWith("h-"));
    // Eight of forty hosts: 12 are expected, and none at all has odds of one in 600,000.
    expect(extra.length).toBeGreaterThan(0);
    expect(extra.length).toBeLessThan(40);
    for (const name of extra) expect(name).toMatch(/^h-weur-[0-7]$/);
  });

  it("is refused when it asks for more than the hub can count", async () => {
    const response = await createApp().fetch(new Request("https://mds.test/v1/bars"), {
      ...env,
      STREAM_EXTRA_HOSTS: "65",
    });
    expect([response.status, await response.text()]).toMatchObject([
      503,
      expect.stringContaining("config stream.extra_hosts"),
    ]);
  });
});
