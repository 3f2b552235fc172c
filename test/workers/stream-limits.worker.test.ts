import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { MAX_KEY_CONNECTIONS } from "../../src/contracts/keys.ts";
import { KEY_HEADER } from "../../src/stream/key-limit.ts";
import { StreamClient } from "./support/stream-client.ts";
import { stopWall } from "./support/wall.ts";
import {
  AAPL_GROUP,
  api,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  useWorld,
} from "./support/world.ts";

const HOME = AAPL_GROUP;
const HOST = MSFT_GROUP;
const CH = ["bars.1m"];
const HOUR_MS = 3_600_000;
useWorld();

/** Lets the host's minute come round. */
async function sweep(index: number): Promise<void> {
  stepMarketClock(minute(index) + 5_000);
  await group(HOST).runUntilQuiet();
}

async function metric(name: string): Promise<string[]> {
  const text = await (await api("/metrics")).text();
  return text.split("\n").filter((line) => line.startsWith(name));
}

describe("a connection that does not ack", () => {
  it("is closed as dead after two minutes without ping or frame, and another one is kept by a frame", async () => {
    await load([HOST]);
    const wall = stopWall();
    const [silent, heard] = [await connectTo(HOST), await connectTo(HOST)];
    wall.pass(119_000);
    await heard.settled();
    await sweep(2);
    expect(silent.closed).toBeNull();
    // What was heard, and when it connected, outlives a hibernation.
    await silent.settled();
    await evictDurableObject(group(HOST), { webSockets: "hibernate" });
    wall.pass(60_000);
    await heard.settled();
    wall.pass(61_000);
    await sweep(4);
    expect(await silent.closing()).toBe(4012);
    expect(heard.closed).toBeNull();
    expect(await metric('ws_closed_total{code="4012"}')).toEqual([
      'ws_closed_total{code="4012"} 1',
    ]);
  });

  it("is kept by pings alone, which wake no object", async () => {
    await load([HOST]);
    const client = await connectTo(HOST);
    const wall = stopWall();
    client.send("ping");
    await client.until(() => client.pongs === 1);
    wall.pass(119_000);
    await sweep(2);
    await sweep(3);
    expect(client.closed).toBeNull();
    wall.pass(2_000);
    await sweep(5);
    expect(await client.closing()).toBe(4012);
  });
});

describe("every connection", () => {
  it("is moved on after four hours, acks or not, what waits for it first", async () => {
    await load([HOME, HOST]);
    const wall = stopWall();
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"], { ack: true });
    await evictDurableObject(group(HOST), { webSockets: "hibernate" });
    wall.pass(4 * HOUR_MS - 1);
    await sweep(2);
    expect(client.closed).toBeNull();
    wall.pass(1);
    await sweep(4);
    expect(await client.closing()).toBe(4001);
  });
});

describe("a client that does not behave", () => {
  it("is refused with the time to wait when too many requests wait, then closed", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    for (let id = 0; id < 400; id += 1) client.send({ id, op: "unsub", ch: CH, symbols: ["AAPL"] });
    expect(await client.closing()).toBe(4029);
    const refused = client.of("error");
    expect(refused.length).toBeGreaterThan(10);
    for (const error of refused)
      expect(error).toMatchObject({ code: 1429, temporary: true, retry_after_ms: 3_200 });
  });

  it("is closed after ten malformed frames in a minute, but not over two of them", async () => {
    await load([HOST]);
    const wall = stopWall();
    const [hasty, slow] = [await connectTo(HOST), await connectTo(HOST)];
    for (let count = 0; count < 11; count += 1) hasty.send("{");
    expect(await hasty.closing()).toBe(4029);
    expect(hasty.of("error").map(({ code }) => code)).toEqual(
      Array.from({ length: 11 }, () => 1400),
    );
    for (let count = 0; count < 20; count += 1) {
      if (count % 10 === 0) {
        await slow.settled();
        wall.pass(60_000);
      }
      slow.send("{");
    }
    await slow.settled();
    expect([slow.of("error").length, slow.closed]).toEqual([20, null]);
  });
});

describe("the connections of a key", () => {
  it("are limited on each host: one more is turned away, another key's is not", async () => {
    await load([HOST]);
    const open = async (key: string) => {
      const headers = { Upgrade: "websocket", [KEY_HEADER]: key };
      const answer = await group(HOST).fetch("https://mds.test/v1/stream", { headers });
      if (answer.webSocket === null) throw new Error("no socket");
      return new StreamClient(answer.webSocket);
    };
    const clients: StreamClient[] = [];
    for (let from = 0; from < MAX_KEY_CONNECTIONS; from += 64)
      clients.push(...(await Promise.all(Array.from({ length: 64 }, () => open("a")))));
    const beyond = await open("a");
    expect(await beyond.closing()).toBe(4504);
    expect(beyond.of("error")).toMatchObject([{ code: 1429 }]);
    const other = await open("b");
    await other.settled();
    clients[0]?.socket.close();
    await clients[0]?.closing();
    const again = await open("a");
    await again.settled();
    expect(again.closed).toBeNull();
    expect((await group(HOST).status()).connections).toBe(MAX_KEY_CONNECTIONS + 1);
  });
});

describe("what is counted of connections", () => {
  it("shows in a scrape: clients, channels, frames, resumes and closes", async () => {
    await load([HOME, HOST]);
    const client = await connectTo(HOST);
    const { token } = await client.subscribe(["AAPL"]);
    client.socket.close();
    await client.closing();
    await ingestMinute(HOME, 0, { AAPL: 100, ORCL: 50 });
    const again = await connectTo(HOST);
    const [stream = "", , fs = ""] = token.split(".");
    await again.subscribe(["AAPL"], { resume: token });
    const third = await connectTo(HOST);
    await third.subscribe(["AAPL"], { resume: `${stream}.000000000000000.${fs}.a` });
    // What no token names is no resume.
    await third.subscribeQuotes(["AAPL"], { from: "snapshot" });
    await again.subscribe(["AAPL"], { from: minute(0) });
    await sweep(3);
    const text = (await metric("ws_")).join("\n");
    expect(text).toContain(`ws_clients_gauge{group="g${HOST}"} 2`);
    expect(text).toContain('ws_subscriptions{channel="bars.1m"} 2');
    expect(text).toContain('ws_subscriptions{channel="quotes"} 1');
    expect(text).toContain('ws_recover_total{recovered="true"} 1');
    expect(text).toContain('ws_recover_total{recovered="false"} 1');
    expect(text).toContain('ws_closed_total{code="client"} 1');
    const sent = /^ws_messages_sent_total (\d+)$/m.exec(text)?.[1];
    expect(Number(sent)).toBeGreaterThanOrEqual(7);
  });
});
