import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { groupOf } from "../../src/domain/symbol.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { Connection } from "../../src/stream/connection.ts";
import { formatToken, parseToken } from "../../src/stream/token.ts";
import { manySymbols } from "../support/many-symbols.ts";
import { numbers, type StreamClient } from "./support/stream-client.ts";
import { stopWall } from "./support/wall.ts";
import {
  AAPL_GROUP,
  answerOf,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  postgres,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

const HOME = AAPL_GROUP;
const HOST = MSFT_GROUP;
const STREAM = `${HOME}b`;
const ALL = Array.from({ length: SYMBOL_GROUPS }, (_, number) => number);
/** So many symbols of one home that a session of them is more than a reader may leave unacked. */
const CROWD = manySymbols(4_000)
  .filter((symbol) => groupOf(symbol, SYMBOL_GROUPS) === HOME)
  .slice(0, 120);
const PART_MINUTES = 320;
const both = { AAPL: 100, ORCL: 50 };
/** A star costs all homes of the deployment, and an hour is many minutes. */
const LONG_MS = 180_000;
useWorld();

/** Gives the home the crowd beside its two members. */
function addCrowd(): void {
  const crowd = CROWD.map((symbol, index) => ({ symbol, sid: 100 + index, group: HOME }));
  postgres.members = [...postgres.members, ...crowd];
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
  const { headFs } = (await group(HOME).readLog("bars", 0, 1)) ?? { headFs: NaN };
  const fromFs = first ?? Number.NaN;
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
      addCrowd();
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
      stepMarketClock(minute(PART_MINUTES) + 3_000);
      const bars = Object.fromEntries(
        Array.from({ length: PART_MINUTES }, (_, i) => [i, 100.123_45]),
      );
      const closes = Object.fromEntries(CROWD.map((symbol) => [symbol, bars]));
      const whole = { fromIndex: 0, toIndex: PART_MINUTES };
      await group(HOME).ingest("test", outcomeOf(answerOf(closes, whole)));
      expect(await client.closing()).toBe(4008);
      const [told] = client.of("slow");
      expect(told).toMatchObject({ age_ms: 0, closing: true, token: acked });
      expect(told?.unacked_bytes).toBeLessThan(5 * 1_024 * 1_024);
      expect(most.chars).toBeLessThanOrEqual(512 * 1_024);
      expect(most.marks).toBeGreaterThan(0);
      expect(most.marks).toBeLessThanOrEqual(32 * SYMBOL_GROUPS);
      kept.mockRestore();
      await resumesComplete(acked, PART_MINUTES + 1);
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
    addCrowd();
    await load([HOME, HOST]);
    const wall = stopWall();
    const client = await connectTo(HOST);
    await client.subscribe(CROWD, { ack: true });
    stepMarketClock(minute(60));
    const bars = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [index, 123.456]));
    const closes = Object.fromEntries(CROWD.map((symbol) => [symbol, bars]));
    await group(HOME).ingest("test", outcomeOf(answerOf(closes, { fromIndex: 0, toIndex: 60 })));
    await group(HOME).runUntilQuiet();
    await client.settled();
    expect(client.of("slow")).toEqual([]);
    wall.pass(10_001);
    await ingestMinute(HOME, 61, both);
    await ingestMinute(HOME, 62, both);
    await client.settled();
    expect(client.of("slow")).toMatchObject([{ age_ms: 10_001 }]);
    expect(client.of("slow")[0]).not.toHaveProperty("closing");
    client.send({ op: "ack", token: tokenOf(client) });
    wall.pass(15_000);
    await ingestMinute(HOME, 63, both);
    await client.settled();
    expect([client.of("slow").length, client.closed]).toEqual([1, null]);
  });
});
