import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { Connection } from "../../src/stream/connection.ts";
import { formatToken, parseToken } from "../../src/stream/token.ts";
import { flush, row } from "../support/flushes.ts";
import { numbers, type StreamClient } from "./support/stream-client.ts";
import { stopWall } from "./support/wall.ts";
import {
  AAPL_GROUP,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

const HOME = AAPL_GROUP;
const HOST = MSFT_GROUP;
const STREAM = `${HOME}b`;
const ALL = Array.from({ length: SYMBOL_GROUPS }, (_, number) => number);
const both = { AAPL: 100, ORCL: 50 };
/** A star costs all homes of the deployment, and an hour is many minutes. */
const LONG_MS = 180_000;
useWorld();

/** A flush as large as they get, straight to the host: no home makes many in so short a test. */
async function deliverLarge(fs: number): Promise<void> {
  const { epoch } = await group(HOME).status();
  const rows = Array.from({ length: 2_000 }, (_, i) => row({ ts: minute(i) }));
  const asOf = minute(0) + fs;
  const payload = JSON.stringify(flush(fs, { group: HOME, epoch, rows, as_of: asOf }));
  await group(HOST).deliver({
    home: HOME,
    class: "bars",
    epoch,
    roster: { epoch, length: 2 },
    flushes: [{ fs, asOf, payload }],
  });
}

/** The token of what a client has: that of its subscription, moved on by its flushes. */
function tokenOf(client: StreamClient): string {
  const positions = parseToken(client.of("ack").at(-1)?.token ?? "") ?? new Map();
  for (const { g, e, fs, at } of client.flushes()) positions.set(g, { epoch: e, fs, at });
  return formatToken(positions);
}

async function starring(): Promise<StreamClient> {
  const client = await connectTo(HOST);
  await client.subscribe(["*"], { ack: true });
  return client;
}

/** An hour of the market, then a resume: every flush since the token has come, and none twice. */
async function resumesComplete(token: string, fromMinute: number): Promise<void> {
  const { fs: before } = parseToken(token)?.get(STREAM) ?? { fs: NaN };
  for (let index = fromMinute; index < fromMinute + 60; index += 4)
    await ingestMinute(HOME, index, both);
  const client = await connectTo(HOST);
  const { resume } = await client.subscribe(["*"], { ack: true, resume: token });
  await ingestMinute(HOME, fromMinute + 60, both);
  await client.settled();
  const result = resume?.find(({ g }) => g === STREAM);
  const first = result?.recovered === true ? before + 1 : result?.handoff?.join_fs;
  const { headFs } = await group(HOME).readLog("bars", 0, 1);
  const fromFs = first ?? NaN;
  expect(numbers(client.flushes(STREAM))).toEqual(
    Array.from({ length: headFs - fromFs + 1 }, (_, i) => fromFs + i),
  );
  if (result?.recovered !== true) expect(result?.handoff?.url).toContain(STREAM);
}

describe("a reader of the whole universe that stops acking", () => {
  it(
    "is closed after 30 s with what it has acked, and resumes complete an hour later",
    async () => {
      await load(ALL);
      const wall = stopWall();
      const client = await starring();
      await ingestMinute(HOME, 0, both);
      await client.until(() => client.flushes(STREAM).length > 0);
      client.send({ op: "ack", token: tokenOf(client) });
      await client.settled();
      const acked = tokenOf(client);
      await ingestMinute(HOME, 1, both);
      wall.pass(29_999);
      await ingestMinute(HOME, 2, both);
      await client.settled();
      expect(client.of("slow")).toEqual([]);
      wall.pass(1);
      await ingestMinute(HOME, 3, both);
      expect(await client.closing()).toBe(4008);
      expect(client.of("slow")).toMatchObject([{ age_ms: 30_000, closing: true, token: acked }]);
      expect((await group(HOST).status()).connections).toBe(0);
      await resumesComplete(acked, 4);
    },
    LONG_MS,
  );

  it(
    "is closed at 4 MB unacked though no time has passed, holds little, and resumes complete",
    async () => {
      await load(ALL);
      stopWall();
      const client = await starring();
      const acked = tokenOf(client);
      let most = { chars: 0, marks: 0 };
      const kept = vi.spyOn(Connection.prototype, "save").mockImplementation(function (
        this: Connection,
      ) {
        const marks = this.acks?.size ?? 0;
        most = {
          chars: Math.max(most.chars, this.outboxChars),
          marks: Math.max(most.marks, marks),
        };
      });
      for (let fs = 1; fs <= 40 && client.closed === null; fs += 1) await deliverLarge(fs);
      expect(await client.closing()).toBe(4008);
      const [told] = client.of("slow");
      expect(told).toMatchObject({ age_ms: 0, closing: true, token: acked });
      expect(told?.unacked_bytes).toBeLessThan(5 * 1_024 * 1_024);
      expect(most.chars).toBeLessThanOrEqual(512 * 1_024);
      expect(most.marks).toBeGreaterThan(0);
      expect(most.marks).toBeLessThanOrEqual(32 * SYMBOL_GROUPS);
      kept.mockRestore();
      // What it was sent beyond the home's log goes with its memory.
      await evictDurableObject(group(HOST));
      await resumesComplete(acked, 0);
    },
    LONG_MS,
  );
});

describe("acks", () => {
  it("keep a connection for as long as they come", async () => {
    await load([HOME, HOST]);
    const wall = stopWall();
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"], { ack: true });
    for (let index = 0; index < 6; index += 1) {
      await ingestMinute(HOME, index, both);
      await client.until(() => client.flushes().length > index);
      client.send({ op: "ack", token: tokenOf(client) });
      await client.settled();
      wall.pass(60_000);
    }
    expect(client.closed).toBeNull();
    expect(client.of("error")).toEqual([]);
  });

  it("that are forged, foreign or were not asked for grant nothing and are refused", async () => {
    await load([HOME, HOST]);
    const wall = stopWall();
    const [client, other] = [await connectTo(HOST), await connectTo(HOST)];
    const { token } = await client.subscribe(["AAPL"], { ack: true });
    await other.subscribe(["MSFT"]);
    await ingestMinute(HOME, 0, both);
    await client.until(() => client.flushes().length > 0);
    const [stream = "", epoch = "", , at = ""] = tokenOf(client).split(".");
    const forged = [
      `${stream}.${epoch}.2.${at}`,
      `${stream}.000000000000000.1.${at}`,
      `${HOST}b.${epoch}.1.${at}`,
      "nonsense",
    ];
    for (const [id, text] of forged.entries()) client.send({ op: "ack", id, token: text });
    other.send({ op: "ack", id: 9, token: "" });
    await Promise.all([client.settled(), other.settled()]);
    expect(client.of("error").map(({ id, code }) => [id, code])).toEqual(
      forged.map((_text, id) => [id, 1400]),
    );
    expect(other.of("error")).toMatchObject([{ id: 9, code: 1400 }]);
    wall.pass(30_000);
    await ingestMinute(HOME, 1, both);
    expect(await client.closing()).toBe(4008);
    expect(client.of("slow")).toMatchObject([{ token }]);
  });

  it("and what they lack outlive a hibernation: the sweep alone closes a reader that is gone", async () => {
    await load([HOME, HOST]);
    const wall = stopWall();
    const client = await connectTo(HOST);
    const { token } = await client.subscribe(["AAPL"], { ack: true });
    await ingestMinute(HOME, 0, both);
    await client.settled();
    await evictDurableObject(group(HOST), { webSockets: "hibernate" });
    wall.pass(31_000);
    stepMarketClock(minute(3));
    await group(HOST).runUntilQuiet();
    expect(await client.closing()).toBe(4008);
    expect(client.of("slow")).toMatchObject([{ closing: true, age_ms: 31_000, token }]);
  });

  it("that lag are told once an episode", async () => {
    await load([HOME, HOST]);
    const wall = stopWall();
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"], { ack: true });
    for (const fs of [1, 2]) await deliverLarge(fs);
    await client.settled();
    expect(client.of("slow")).toEqual([]);
    wall.pass(10_001);
    for (const fs of [3, 4]) await deliverLarge(fs);
    await client.settled();
    expect(client.of("slow")).toMatchObject([{ age_ms: 10_001 }]);
    expect(client.of("slow")[0]).not.toHaveProperty("closing");
    client.send({ op: "ack", token: tokenOf(client) });
    await client.settled();
    wall.pass(25_000);
    await deliverLarge(5);
    await client.settled();
    expect([client.of("slow").length, client.closed]).toEqual([1, null]);
  });
});
