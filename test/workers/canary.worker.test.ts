import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { marketClock, stepMarketClock } from "../../src/platform/clocks.ts";
import type { MetricTotalsJson } from "../../src/platform/metric-totals.ts";
import { Canary, type CanaryMemory } from "../../src/slo/canary.ts";
import { stopWall } from "./support/wall.ts";
import { group, ingestMinute, load, minute, SPY_GROUP, useWorld } from "./support/world.ts";

useWorld();

/** A canary of which everything that it remembers survives it, and whose reports are kept. */
function nest() {
  const kept = new Map<string, string>();
  const memory: CanaryMemory = {
    get: (key) => kept.get(key) ?? null,
    set: (key, value) => void kept.set(key, value),
  };
  const sockets: WebSocket[] = [];
  let last: MetricTotalsJson = {};
  const make = () =>
    new Canary({
      memory,
      connect: async () => {
        const response = await group(SPY_GROUP).fetch("https://mds.test/v1/stream", {
          headers: { Upgrade: "websocket" },
        });
        if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
        sockets.push(response.webSocket);
        return response.webSocket;
      },
      now: () => marketClock.now(),
      report: async ({ totals }) => {
        last = structuredClone(totals);
      },
    });
  const isAt = (fs: number) =>
    vi.waitUntil(() => kept.get("token")?.split(".")[2] === String(fs), { timeout: 5_000 });
  return { make, kept, sockets, isAt, told: () => last };
}

/** A canary whose host says nothing until it is told to. */
function silentNest() {
  let last: MetricTotalsJson = {};
  const { 0: near, 1: far } = new WebSocketPair();
  far.accept();
  const make = () =>
    new Canary({
      memory: { get: () => null, set: () => {} },
      connect: () => Promise.resolve(near),
      now: () => marketClock.now(),
      report: async ({ totals }) => {
        last = structuredClone(totals);
      },
    });
  const answer = () =>
    far.send(
      JSON.stringify({ op: "ack", subs: {}, rejected: [], token: "7b.0mmyaj8k0u4s2ab.0.0" }),
    );
  return { make, told: () => last, answer };
}

const minutes = async (...indexes: number[]) => {
  for (const index of indexes) await ingestMinute(SPY_GROUP, index, { SPY: 500, BAC: 30 });
};

describe("the canary", () => {
  it("connects while the market is open, counts what it reads, and leaves when it closes", async () => {
    await load([SPY_GROUP]);
    const { make, isAt, told } = nest();
    const canary = make();
    await canary.keep(true);
    await isAt(0);
    await minutes(0, 1);
    await isAt(2);
    await canary.keep(true);
    expect(told()).toMatchObject({ canary_up: { "": 1 }, canary_connects_total: { "": 1 } });
    const latency = told()["canary_latency_seconds"]?.[""];
    expect(Array.isArray(latency) && latency.slice(0, -1).reduce((sum, n) => sum + n, 0)).toBe(2);
    expect(told()["canary_lost_flushes_total"]).toBeUndefined();
    await canary.keep(false);
    expect(told()["canary_up"]).toEqual({});
    await vi.waitUntil(async () => (await group(SPY_GROUP).status()).connections === 0);
  });

  it("keeps one connection by a ping each time that it is looked after", async () => {
    await load([SPY_GROUP]);
    const wall = stopWall();
    const { make, isAt, told, sockets } = nest();
    const canary = make();
    await canary.keep(true);
    expect(told()["canary_up"]).toBeUndefined();
    await isAt(0);
    let pongMs = 0;
    sockets[0]?.addEventListener("message", ({ data }) => {
      if (data === "pong") pongMs = wall.now();
    });
    // The runtime stamps its pongs by a clock that no test moves.
    await runInDurableObject(group(SPY_GROUP), (_object: SymbolGroup, state) => {
      const stamp = vi.spyOn(state, "getWebSocketAutoResponseTimestamp");
      stamp.mockImplementation(() => new Date(pongMs));
    });
    for (let look = 1; look <= 10; look += 1) {
      wall.pass(30_000);
      await canary.keep(true);
      expect(told()["canary_up"]).toEqual({ "": 1 });
      if (sockets.length === 1) await vi.waitUntil(() => pongMs === wall.now());
      stepMarketClock(minute(Math.ceil(look / 2)) + (look % 2) * 30_000);
      await group(SPY_GROUP).runUntilQuiet();
    }
    expect(sockets).toHaveLength(1);
    expect(told()["canary_connects_total"]).toEqual({ "": 1 });
  });

  it("is down only when a connection stays without an answer for a round", async () => {
    const { make, told, answer } = silentNest();
    const canary = make();
    await canary.keep(true);
    expect(told()["canary_up"]).toBeUndefined();
    await canary.keep(true);
    expect(told()).toMatchObject({ canary_up: { "": 0 }, canary_connects_total: { "": 1 } });
    answer();
    await vi.waitUntil(async () => {
      await canary.keep(true);
      return told()["canary_up"]?.[""] === 1;
    });
  });

  it("resumes where it was when its object was evicted, and lost nothing", async () => {
    await load([SPY_GROUP]);
    const { make, isAt, told, sockets } = nest();
    await make().keep(true);
    await isAt(0);
    await minutes(0);
    await isAt(1);
    sockets[0]?.close();
    await minutes(1, 2);
    const next = make();
    await next.keep(true);
    await isAt(3);
    await next.keep(true);
    expect(told()).toMatchObject({
      canary_up: { "": 1 },
      canary_connects_total: { "": 2 },
      canary_resumes_total: { 'recovered="true"': 1 },
    });
    expect(told()["canary_lost_flushes_total"]).toBeUndefined();
  });

  it("counts the flushes that a host never sent", async () => {
    await load([SPY_GROUP]);
    const { make, isAt, told } = nest();
    const canary = make();
    await canary.keep(true);
    await isAt(0);
    await runInDurableObject(group(SPY_GROUP), (_object: SymbolGroup, state) => {
      const [socket] = state.getWebSockets();
      const { epoch } = { epoch: "0mmyaj8k0u4s2ab" };
      for (const fs of [1, 4])
        socket?.send(JSON.stringify({ op: "flush", g: `${SPY_GROUP}b`, e: epoch, fs, at: fs }));
    });
    await isAt(4);
    await canary.keep(true);
    expect(told()["canary_lost_flushes_total"]).toEqual({ "": 2 });
  });

  it("is down, and says so, when it cannot connect or its symbol is unknown", async () => {
    const { make, told } = nest();
    const canary = make();
    await canary.keep(true);
    await canary.keep(true);
    expect(told()["canary_up"]).toEqual({ "": 0 });
  });
});
