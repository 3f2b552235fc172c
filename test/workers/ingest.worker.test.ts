import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  AAPL_GROUP,
  alpaca,
  answerOf,
  gate,
  group,
  ingestMinute,
  load,
  minute,
  outcomeOf,
  polygon,
  postgres,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
const BOTH = { AAPL: 100, ORCL: 50 };
useWorld();

function storedOf(symbol: string) {
  return postgres
    .rows(G)
    .filter((row) => row.symbol === symbol)
    .map(({ ts, close, revision, status }) => [ts, close, revision, status]);
}

async function dutyNames(): Promise<string[]> {
  return await runInDurableObject(group(G), (_, state) =>
    state.storage.sql
      .exec<{ name: string }>("SELECT name FROM duty ORDER BY name")
      .toArray()
      .map((row) => row.name),
  );
}

describe("what an answer does to a group", () => {
  it("takes a first bar, a later revision of the same source, and nothing that is equal, older or foreign", async () => {
    await load([G]);
    await ingestMinute(G, 0, BOTH);
    const again = (close: number, askedAt: number, provider: "alpaca" | "polygon" = "alpaca") =>
      group(G).ingest(
        "test",
        outcomeOf(
          answerOf({ AAPL: { 0: close } }, { fromIndex: 0, toIndex: 1, askedAt, provider }),
        ),
      );
    stepMarketClock(minute(3));
    await again(100, minute(2));
    await again(101, minute(2) + 1);
    await again(99, minute(1) + 1);
    await again(98, minute(3), "polygon");
    await group(G).runUntilQuiet();
    expect(storedOf("AAPL")).toEqual([
      [minute(0), 100, 0, "first"],
      [minute(0), 101, 1, "updated"],
    ]);
    // What changes nothing makes no flush.
    expect((await group(G).status()).headFs).toBe(2);
  });

  it("numbers flushes 1, 2, 3 with knowledge times that grow, and keeps them over an eviction", async () => {
    await load([G]);
    for (let index = 0; index < 5; index += 1) {
      await ingestMinute(G, index, { AAPL: 100 + index, ORCL: 50 });
      if (index % 2 === 0) await evictDurableObject(group(G));
    }
    const flushes = postgres.flushes.get(G) ?? [];
    expect(flushes.map((flush) => flush.fs)).toEqual([1, 2, 3, 4, 5]);
    const known = flushes.map((flush) => flush.rows[0]?.asOf ?? 0);
    expect(known).toEqual(known.toSorted((a, b) => a - b));
    expect(new Set(known).size).toBe(5);
    expect((await group(G).status()).watermarkMs).toBe(minute(5));
  });

  it("changes nothing when the same answer is handed over twice", async () => {
    await load([G]);
    await ingestMinute(G, 0, BOTH);
    const before = await group(G).status();
    await ingestMinute(G, 0, BOTH);
    expect(await group(G).status()).toEqual(before);
    expect(postgres.rows(G)).toHaveLength(2);
  });

  it("lets the settle pass of another provider replace what was believed", async () => {
    await load([G]);
    await ingestMinute(G, 0, BOTH);
    stepMarketClock(minute(410));
    const settled = answerOf(
      { AAPL: { 0: 102 } },
      { fromIndex: 0, toIndex: 1, askedAt: minute(410), provider: "polygon", settle: true },
    );
    await group(G).ingest("settle", outcomeOf(settled));
    await group(G).runUntilQuiet();
    expect(storedOf("AAPL").at(-1)).toEqual([minute(0), 102, 1, "updated"]);
  });
});

describe("the members of a group", () => {
  it("stay as they are known while Postgres is away, and are read when it is back", async () => {
    postgres.away = true;
    await load([G]);
    expect((await group(G).status()).members).toBe(0);
    postgres.away = false;
    await tick(minute(1), [G]);
    expect((await group(G).status()).members).toBe(2);
  });

  it("are taken up although the universe was still empty at the first look", async () => {
    const listed = postgres.members;
    postgres.members = [];
    await load([G]);
    postgres.members = listed;
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    expect((await group(G).status()).members).toBe(2);
  });
});

describe("the polls of a group", () => {
  it("plans a minute once however often the tick comes, and asks for it once", async () => {
    alpaca.at = () => 100;
    await load([G]);
    stepMarketClock(minute(1));
    await Promise.all([
      group(G).plan(minute(1)),
      group(G).plan(minute(1)),
      group(G).plan(minute(1)),
    ]);
    expect((await dutyNames()).filter((name) => name.startsWith("poll:"))).toEqual([
      `poll:${minute(0)}`,
    ]);
    await stepTo(minute(1) + 3_000, [G]);
    expect(alpaca.calls).toEqual([["AAPL", "ORCL"]]);
    expect(storedOf("AAPL")).toEqual([[minute(0), 100, 0, "first"]]);
  });

  it("frees the minute of a job that has not answered after three time-outs, and takes its late answer", async () => {
    const held = gate();
    alpaca.at = () => 100;
    alpaca.mood = { kind: "hang", until: held.passed };
    await load([G]);
    stepMarketClock(minute(1) + 3_000);
    await group(G).plan(minute(1));
    expect(await group(G).runDue()).toBe(minute(1) + 3_000 + 15_000);
    stepMarketClock(minute(1) + 3_000 + 15_000);
    await group(G).runDue();
    expect((await dutyNames()).filter((name) => name.startsWith("poll:"))).toEqual([]);
    held.open();
    await group(G).runUntilQuiet();
    expect(storedOf("AAPL")).toEqual([[minute(0), 100, 0, "first"]]);
  });

  it("opens a hole a minute after settle when nobody answers, and fills it when somebody does", async () => {
    await load([G]);
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    expect(postgres.flushes.get(G) ?? []).toEqual([]);
    await tick(minute(4), [G]);
    const opened = (postgres.flushes.get(G) ?? []).flatMap((flush) => flush.gaps);
    expect(opened).toEqual([
      ["AAPL", minute(0), minute(1), "open"],
      ["ORCL", minute(0), minute(1), "open"],
    ]);
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "bars" };
    alpaca.at = () => 100;
    await tick(minute(10), [G]);
    await tick(minute(11), [G]);
    const gaps = (postgres.flushes.get(G) ?? []).flatMap((flush) => flush.gaps);
    const [first] = gaps.filter((gap) => gap[0] === "AAPL" && gap[3] === "filled");
    expect(first?.[1]).toBe(minute(0));
    const filled = postgres.rows(G).find((row) => row.symbol === "AAPL" && row.ts === minute(0));
    expect(filled?.status).toBe("backfilled");
    expect((await group(G).status()).watermarkMs).toBe(minute(11));
  });

  it("believes an absence only when it was asked 90 s after the END of the minute", async () => {
    alpaca.at = (symbol) => (symbol === "AAPL" ? 100 : null);
    await load([G]);
    await tick(minute(1), [G]);
    await tick(minute(2), [G]);
    expect((await group(G).status()).watermarkMs).toBe(minute(0));
    await tick(minute(3), [G]);
    expect((await group(G).status()).watermarkMs).toBe(minute(1));
  });

  it("fills the holes of a symbol although another one, older, can never be filled", async () => {
    for (const provider of [alpaca, polygon]) {
      provider.at = () => 100;
      provider.unknown.add("ORCL");
    }
    await load([G]);
    await tick(minute(1), [G]);
    // Nobody asked for two and a half hours; then every minute is asked for again.
    for (let index = 160; index < 168; index += 1) await tick(minute(index), [G]);
    const known = new Set(
      postgres
        .rows(G)
        .filter((row) => row.symbol === "AAPL")
        .map((row) => row.ts),
    );
    const unknown = Array.from({ length: 167 }, (_, index) => index).filter(
      (index) => !known.has(minute(index)),
    );
    expect(unknown).toEqual([]);
  });
});
