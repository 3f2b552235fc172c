import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { STREAM_CLASSES } from "../../src/contracts/flush.ts";
import { CHANNELS, MAX_CONNECTION_SYMBOLS } from "../../src/contracts/stream.ts";
import { createEpoch } from "../../src/domain/epoch.ts";
import { Roster } from "../../src/domain/roster.ts";
import { MAX_SYMBOL_GROUPS } from "../../src/env.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { Connection } from "../../src/stream/connection.ts";
import { streamName } from "../../src/stream/token.ts";
import { QuoteBook } from "../../src/symbol-group/quote-book.ts";
import { member } from "../support/naive-group.ts";
import { quoteOf } from "../support/quotes.ts";
import { quotesPlace } from "./support/fake-quotes.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  connectTo,
  group,
  load,
  minute,
  MSFT_GROUP,
  postgres,
  stepTo,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
const HOST = MSFT_GROUP;
const STREAM = `${G}q`;
useWorld();

/** Hands the group a new quote of AAPL at a sweep of the second minute. */
async function sweep(index: number): Promise<void> {
  const atMs = minute(1) + index * 15_000;
  stepMarketClock(atMs);
  const times = { ts: atMs - 500, lastTs: atMs - 500, askedAt: atMs };
  await group(G).ingestQuotes({ quotes: [quoteOf({ ...times, bid: index + 1 })], receivedAt: 1 });
  await group(G).runUntilQuiet();
}

describe("the log of quotes", () => {
  it("is short: the oldest flushes go, drained ones for room and others for a bound, and are counted", async () => {
    await load([G]);
    await runInDurableObject(group(G), (_, { storage }) => {
      const bounds = { kept: 2, undrained: 5 };
      const deps = { storage, group: G, now: () => minute(1), random: () => 0.5, bounds };
      const book = new QuoteBook(deps);
      const roster = new Roster([member(0, "AAPL")]);
      const take = (ts: number) => {
        const quotes = [quoteOf({ ts, lastTs: ts })];
        return book.ingest({ quotes, receivedAt: 1 }, roster);
      };
      const dropped = [1, 2, 3, 4, 5, 6, 7].map((ms) => take(minute(1) - ms * -1).dropped);
      expect(dropped).toEqual([0, 0, 0, 0, 0, 1, 1]);
      expect(book.stream.log.oldest()?.fs).toBe(3);
      book.stream.setDrained(7);
      expect(take(minute(1) + 8).dropped).toBe(0);
      expect(book.stream.log.oldest()?.fs).toBe(7);
      expect(book.snapshot()).toMatchObject({ fs: 8, quotes: [{ quote: { ts: minute(1) + 8 } }] });
    });
  });

  it("that lost flushes while Postgres was away is drained all the same, in order and once", async () => {
    await load([G]);
    postgres.away = true;
    for (const index of [0, 1, 2, 3]) await sweep(index);
    await runInDurableObject(
      group(G),
      (_, state) => void state.storage.sql.exec("DELETE FROM quote_flush WHERE fs <= 2"),
    );
    await stepTo(minute(2), [G]);
    postgres.away = false;
    await stepTo(minute(5), [G]);
    expect(postgres.drains.get(quotesPlace(G))).toEqual([[1, 4]]);
    expect([...postgres.quotes.values()].map(({ bid }) => bid)).toEqual([3, 4]);
  });

  it("goes on when Postgres was restored to an earlier time", async () => {
    await load([G]);
    await sweep(0);
    await stepTo(minute(2), [G]);
    const cursor = postgres.cursors.get(quotesPlace(G));
    expect(cursor?.fs).toBe(1);
    postgres.cursors.delete(quotesPlace(G));
    await sweep(8);
    await stepTo(minute(5), [G]);
    expect(postgres.cursors.get(quotesPlace(G))?.fs).toBe(2);
  });
});

describe("a follower of quotes", () => {
  it("that missed flushes which left the log gets the last quotes and goes on behind them", async () => {
    await load([G, HOST]);
    const client = await connectTo(HOST);
    await client.subscribeQuotes(["AAPL"]);
    const lost = vi.spyOn(SymbolGroup.prototype, "deliver");
    lost.mockRejectedValue(new Error("the network was lost"));
    for (const index of [0, 1, 2]) await sweep(index);
    await runInDurableObject(
      group(G),
      (_, state) => void state.storage.sql.exec("DELETE FROM quote_flush WHERE fs <= 2"),
    );
    lost.mockRestore();
    await sweep(3);
    const snapshot = await client.find((frame) => (frame.op === "snapshot" ? frame : null));
    expect(snapshot).toMatchObject({ g: STREAM, fs: 4 });
    await sweep(4);
    await client.settled();
    expect(numbers(client.flushes())).toEqual([5]);
    expect(client.closed).toBeNull();
  });
});

describe("the attachment of a connection", () => {
  it("holds every stream, its acks and every channel of the largest deployment", async () => {
    await load([HOST]);
    await runInDurableObject(group(HOST), (_, state) => {
      const [, server] = Object.values(new WebSocketPair());
      if (server === undefined) throw new Error("no socket");
      state.acceptWebSocket(server);
      const streams = STREAM_CLASSES.flatMap((name) =>
        Array.from({ length: MAX_SYMBOL_GROUPS }, (_unused, index) =>
          streamName({ group: index, class: name }),
        ),
      );
      const sids = new Uint8Array(MAX_CONNECTION_SYMBOLS / 8).fill(255);
      const channels = new Map(CHANNELS.map((name) => [name, { star: false, sids }]));
      const origin = { id: "c".repeat(36), key: "k".repeat(36), connectedMs: minute(0) };
      const full = new Connection(server, origin, { channels, firstOnly: false, objects: false });
      full.wantAcks(true);
      // Each stream began a new epoch of which nothing is acked, and has megabytes under way for hours.
      const at = minute(0);
      for (const stream of streams) {
        full.moveTo(stream, { epoch: createEpoch(at, () => 0.25), fs: 999_999_999, at });
        const position = { epoch: createEpoch(at, () => 0.5), fs: 999_999_999, at };
        full.moveTo(stream, position);
        full.acks?.sent(stream, position, 4 * 1_024 * 1_024, at + 4 * 3_600_000);
      }
      // Throws beyond the 16,384 bytes that a socket carries.
      full.save();
      const restored = Connection.restore(server);
      expect(restored?.positions.size).toBe(2 * MAX_SYMBOL_GROUPS);
      expect(restored?.acks?.acked()).toEqual(full.acks?.acked());
      expect(restored?.acks?.unacked()).toEqual(full.acks?.unacked());
    });
  });
});
