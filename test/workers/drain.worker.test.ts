import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { MetricsHub } from "../../durable-objects/metrics-hub.ts";
import {
  AAPL_GROUP,
  answerOf,
  group,
  ingestMinute,
  load,
  minute,
  outcomeOf,
  postgres,
  stepTo,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

const G = AAPL_GROUP;
useWorld();

const fsOf = () => (postgres.flushes.get(G) ?? []).map((flush) => flush.fs);
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const bars = (index: number) => ({ AAPL: 100 + index, ORCL: 50 });

/** Ingests without waiting for what follows from it. */
async function ingestOnly(index: number): Promise<void> {
  stepMarketClock(minute(index + 1) + 3_000);
  const closes = Object.fromEntries(
    Object.entries(bars(index)).map(([symbol, close]) => [symbol, { [index]: close }]),
  );
  await group(G).ingest(
    "test",
    outcomeOf(answerOf(closes, { fromIndex: index, toIndex: index + 1 })),
  );
}

describe("the drain of a group", () => {
  it("brings every flush to Postgres in order and once", async () => {
    await load([G]);
    for (const index of upTo(6)) await ingestMinute(G, index - 1, bars(index - 1));
    expect(fsOf()).toEqual(upTo(6));
    expect(postgres.drains.get(G)?.map(([from]) => from)).toEqual(upTo(6));
    expect((await group(G).status()).undrainedOldestMs).toBeNull();
    expect(postgres.cursors.get(G)?.watermark).toBe(minute(6));
  });

  it("keeps everything while Postgres is away and brings it all when it is back", async () => {
    await load([G]);
    postgres.away = true;
    for (let index = 0; index < 40; index += 1) await ingestMinute(G, index, bars(index));
    const waiting = await group(G).status();
    expect(waiting).toMatchObject({
      headFs: 40,
      drainedFs: 0,
      undrainedOldestMs: minute(1) + 3_000,
    });
    expect(fsOf()).toEqual([]);
    postgres.away = false;
    await stepTo(minute(42), [G]);
    await stepTo(minute(43), [G]);
    expect(fsOf()).toEqual(upTo(40));
    expect((await group(G).status()).drainedFs).toBe(40);
  });

  it("does not repeat a transaction that committed although its answer was lost", async () => {
    await load([G]);
    postgres.loseAnswers = 1;
    await ingestMinute(G, 0, bars(0));
    expect(fsOf()).toEqual([1]);
    expect((await group(G).status()).drainedFs).toBe(0);
    await stepTo(minute(2), [G]);
    expect((await group(G).status()).drainedFs).toBe(1);
    expect(fsOf()).toEqual([1]);
  });

  it("goes on behind a lost answer with what came meanwhile", async () => {
    await load([G]);
    postgres.loseAnswers = 1;
    await ingestMinute(G, 0, bars(0));
    await ingestMinute(G, 1, bars(1));
    await ingestMinute(G, 2, bars(2));
    expect(fsOf()).toEqual([1, 2, 3]);
    expect((await group(G).status()).drainedFs).toBe(3);
  });

  it("goes on after the object was evicted in the middle of it", async () => {
    await load([G]);
    postgres.away = true;
    for (let index = 0; index < 20; index += 1) await ingestMinute(G, index, bars(index));
    await evictDurableObject(group(G));
    postgres.away = false;
    postgres.loseAnswers = 1;
    await stepTo(minute(30), [G]);
    await evictDurableObject(group(G));
    await stepTo(minute(32), [G]);
    await stepTo(minute(34), [G]);
    expect(fsOf()).toEqual(upTo(20));
    expect((await group(G).status()).drainedFs).toBe(20);
  });

  it("stops loudly when Postgres knows a later epoch, and sends nothing", async () => {
    await load([G]);
    await ingestMinute(G, 0, bars(0));
    const cursor = postgres.cursors.get(G);
    postgres.cursors.set(G, {
      epoch: "zzzzzzzzzzzzzzz",
      fs: 5,
      asOf: cursor?.asOf ?? 0,
      watermark: null,
    });
    await ingestMinute(G, 1, bars(1));
    expect(fsOf()).toEqual([1]);
    expect((await group(G).status()).drainedFs).toBe(1);
    expect((await group(G).status()).drainFault).toContain("stale epoch");
  });

  it("is not quiet before a flush that came while the last drain was being reported is stored", async () => {
    await load([G]);
    vi.spyOn(MetricsHub.prototype, "report").mockImplementationOnce(() => ingestOnly(1));
    await ingestOnly(0);
    await group(G).runUntilQuiet();
    expect(fsOf()).toEqual([1, 2]);
  });
});
