import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { groupName } from "../../src/domain/symbol.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  afterAnswering,
  askedTimeouts,
  answerOf,
  connectTo,
  currentSession,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";

const HOME = AAPL_GROUP;
const HOST = MSFT_GROUP;
const STREAM = `${HOME}b`;
const KEEP = { webSockets: "hibernate" } as const;
useWorld();

const both = { AAPL: 100, ORCL: 50 };

/** Appends the flush of a minute without waiting for its delivery. */
async function append(index: number): Promise<void> {
  if (currentSession().openMs <= minute(index)) stepMarketClock(minute(index + 1) + 3_000);
  const closes = { AAPL: { [index]: 100 }, ORCL: { [index]: 50 } };
  await group(HOME).ingest(
    "test",
    outcomeOf(answerOf(closes, { fromIndex: index, toIndex: index + 1 })),
  );
}

async function appendAndDeliver(index: number): Promise<void> {
  await append(index);
  await group(HOME).runUntilQuiet();
}

/** The hosts that the home knows as its followers. */
async function followers(): Promise<string[]> {
  return await runInDurableObject(group(HOME), (_, state) =>
    state.storage.sql
      .exec<{ host: string }>("SELECT host FROM follower")
      .toArray()
      .map((row) => row.host),
  );
}

describe("an eviction with the sockets kept", () => {
  for (const [name, number] of [
    ["host", HOST],
    ["home", HOME],
  ] as const) {
    it(`of the ${name} between flushes costs no flush and repeats none`, async () => {
      await load([HOME, HOST]);
      const client = await connectTo(HOST);
      await client.subscribe(["AAPL", "MSFT"]);
      for (let index = 0; index < 6; index += 1) {
        await ingestMinute(HOME, index, both);
        await client.settled();
        await evictDurableObject(group(number), KEEP);
      }
      await ingestMinute(HOME, 6, both);
      await client.settled();
      expect(numbers(client.flushes(STREAM))).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(client.flushes(STREAM).map((flush) => flush.bars?.rows.length)).toEqual([
        1, 1, 1, 1, 1, 1, 1,
      ]);
    });
  }

  it("of an object that is home and host of a connection keeps its subscription and position", async () => {
    await load([HOME]);
    const client = await connectTo(HOME);
    await client.subscribe(["ORCL"]);
    await ingestMinute(HOME, 0, both);
    await client.settled();
    await evictDurableObject(group(HOME), KEEP);
    client.send("ping");
    await ingestMinute(HOME, 1, both);
    const ack = await client.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["AAPL"] });
    expect(ack).toMatchObject({ op: "ack", subs: { "bars.1m": { count: 1 } } });
    expect(numbers(client.flushes())).toEqual([1, 2]);
    expect(client.pongs).toBe(1);
  });

  it("right after a flush, before its batch went out, makes no hole", async () => {
    await load([HOME]);
    const client = await connectTo(HOME);
    await client.subscribe(["AAPL"]);
    await append(0);
    await evictDurableObject(group(HOME), KEEP);
    await ingestMinute(HOME, 1, both);
    await client.settled();
    expect(numbers(client.flushes())).toEqual([1, 2]);
  });

  it("that loses a delivery is made good by the host's sweep within a minute", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"]);
    vi.spyOn(SymbolGroup.prototype, "deliver").mockRejectedValueOnce(
      new Error("the network was lost"),
    );
    await append(0);
    await group(HOME).runUntilQuiet();
    await evictDurableObject(group(HOME), KEEP);
    stepMarketClock(minute(2) + 5_000);
    await group(HOST).runUntilQuiet();
    await client.settled();
    expect(numbers(client.flushes())).toEqual([1]);
  });

  it("of a host that had taken a delivery and lost it is made good when the next one comes", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"]);
    vi.spyOn(SymbolGroup.prototype, "deliver").mockResolvedValueOnce({ interested: true });
    await appendAndDeliver(0);
    await appendAndDeliver(1);
    await client.until(() => client.flushes().length >= 2);
    expect(numbers(client.flushes())).toEqual([1, 2]);
  });
});

describe("a host that is not reached", () => {
  it("after a long quiet is tried again, and forgotten when it stays away for five minutes", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"]);
    const lost = vi.spyOn(SymbolGroup.prototype, "deliver");
    lost.mockRejectedValueOnce(new Error("the network was lost"));
    await appendAndDeliver(10);
    expect(await followers()).toEqual([groupName(HOST)]);
    stepMarketClock(minute(11) + 10_000);
    await group(HOME).runUntilQuiet();
    await client.until(() => client.flushes().length > 0);
    expect(numbers(client.flushes())[0]).toBe(1);
    lost.mockRejectedValue(new Error("the network was lost"));
    await appendAndDeliver(20);
    stepMarketClock(minute(25));
    await group(HOME).runUntilQuiet();
    expect(await followers()).toEqual([groupName(HOST)]);
    stepMarketClock(minute(27));
    await group(HOME).runUntilQuiet();
    expect(await followers()).toEqual([]);
  });
});

describe("a flush that comes at a bad moment arrives without waiting for the next one", () => {
  it("when it comes while the subscription still waits for another home", async () => {
    await load([HOME, SPY_GROUP, HOST]);
    let done = false;
    afterAnswering("follow", async (answer) => {
      if (done || !JSON.stringify(answer).includes("SPY")) return;
      done = true;
      await appendAndDeliver(0);
    });
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL", "SPY"]);
    expect(done).toBe(true);
    expect(await followers()).toEqual([groupName(HOST)]);
    await appendAndDeliver(1);
    await client.settled();
    expect(numbers(client.flushes(STREAM))).toEqual([1, 2]);
  });

  it("when its home is just being told that nobody there wants it any more", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"]);
    await client.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["AAPL"] });
    // A new subscription at the host follows before the answer is home.
    afterAnswering(
      "deliver",
      async () =>
        void (await group(HOME).follow("bars", groupName(HOST), { epoch: null, length: 0 })),
    );
    await appendAndDeliver(0);
    expect(await followers()).toEqual([groupName(HOST)]);
  });

  it("when it comes just after the last read of a connection that catches up", async () => {
    await load([HOME, HOST]);
    const settled = await connectTo(HOST);
    await settled.subscribe(["AAPL"]);
    await appendAndDeliver(0);
    let [stale, told] = [false, false];
    afterAnswering("follow", async () => {
      if (stale) return;
      stale = true;
      await appendAndDeliver(1);
    });
    afterAnswering("readLog", async (answer) => {
      if (told || !JSON.stringify(answer).includes('"flushes":[]')) return;
      await appendAndDeliver(2);
      told = true;
    });
    const late = await connectTo(HOST);
    await late.subscribe(["AAPL"]);
    await vi.waitFor(() => expect(told).toBe(true));
    await Promise.all([late.settled(), settled.settled()]);
    expect(numbers(settled.flushes())).toEqual([1, 2, 3]);
    expect(numbers(late.flushes())).toEqual([2, 3]);
  });
});

describe("an object that has nothing to do", () => {
  it("holds no timer that keeps it awake once Postgres has answered", async () => {
    await load([HOME]);
    await ingestMinute(HOME, 0, both);
    // Such a signal runs its time out whatever has happened meanwhile, and no timer may be longer than a second.
    const timeouts = askedTimeouts();
    expect(timeouts.filter((delayMs) => delayMs > 1_000)).toEqual([]);
  });
});
