import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createApp } from "../../src/api/app.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { SECOND_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  coordinatedSettings,
  coordinatedTick,
  RLC_VARIABLES,
  runTasksBy,
} from "./support/coordinator.ts";
import {
  AAPL_GROUP,
  alpaca,
  coordinator,
  group,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  polygon,
  postgres,
  queue,
  SPY_GROUP,
  stepTo,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

const GROUPS = [0, AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const ALL = ["AAPL", "ORCL", "MSFT", "SPY", "BAC"];
/** Polls are due 3 s after the tick, rounds every 10 s. */
const STEP_S = 5;
const settings = coordinatedSettings();
let restore = () => {};
/** Readiness is kept for 10 s of wall time: each look is a while after the last. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);

useWorld();
beforeEach(async () => {
  alpaca.at = () => 100;
  restore = runTasksBy(settings);
  await load(GROUPS);
});
afterEach(() => restore());

/** A job for the minute `index`. */
function jobOf(id: string, index: number, change: object = {}) {
  const range = { interval: "1m", start_ms: minute(index), end_ms: minute(index + 1) };
  return { v: 1, type: "bars", id, symbols: ALL, ...range, ...change };
}

/** A tick, and all that comes until just before the next one. */
async function playMinute(index: number): Promise<void> {
  const tickMs = minute(index);
  await coordinatedTick(tickMs, settings);
  for (let second = 0; second < 60; second += STEP_S)
    await stepTo(tickMs + second * SECOND_MS, GROUPS);
}

function storedMinutes(symbol: string): number[] {
  return GROUPS.flatMap((number) => postgres.rows(number))
    .filter((row) => row.symbol === symbol)
    .map((row) => row.ts)
    .toSorted((a, b) => a - b);
}

async function dutyNames(number: number): Promise<string[]> {
  return await runInDurableObject(group(number), (_, state) =>
    state.storage.sql
      .exec<{ name: string }>("SELECT name FROM duty ORDER BY name")
      .toArray()
      .map((row) => row.name),
  );
}

const readySchema = z.object({
  warnings: z.array(z.string()),
  jobs: z.object({
    source: z.string(),
    rlc_configured: z.boolean(),
    reason: z.string().nullable(),
  }),
});

/** What readiness says of a deployment that has a coordinator. */
async function ready(): Promise<z.infer<typeof readySchema>> {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
  const response = await createApp().request(
    "https://mds.test/health/ready",
    { headers: { authorization: `Bearer ${KEY}` } },
    { ...env, ...RLC_VARIABLES },
  );
  return readySchema.parse(await response.json());
}

describe("the jobs of a coordinator", () => {
  it("reach the groups of their symbols in place of the polls, once, and are acknowledged", async () => {
    coordinator.put(jobOf("j1", 0, { symbols: ["AAPL", "MSFT"] }), jobOf("j2", 0));
    await playMinute(1);
    for (const symbol of ALL) expect(storedMinutes(symbol)).toEqual([minute(0)]);
    // One question a group although two jobs asked: AAPL with ORCL, MSFT, and SPY with BAC.
    expect(alpaca.calls.map((symbols) => symbols.toSorted().join(" ")).toSorted()).toEqual([
      "AAPL ORCL",
      "BAC SPY",
      "MSFT",
    ]);
    expect(coordinator.stats()).toMatchObject({ done: 2, leased: 0, waiting: 0 });
    for (const number of GROUPS)
      expect((await dutyNames(number)).filter((name) => name.startsWith("poll:"))).toEqual([]);
  });

  it("are claimed at the tick and every ten seconds, once, also when alarms come late", async () => {
    for (const index of [1, 2, 3]) {
      await coordinatedTick(minute(index) + 137, settings);
      for (let second = 2; second < 60; second += 3)
        await stepTo(minute(index) + second * SECOND_MS, GROUPS);
    }
    const inMinutes = [1, 2, 3].map(
      (index) =>
        coordinator.claimedMs.filter((ms) => ms >= minute(index) && ms < minute(index + 1)).length,
    );
    expect(inMinutes).toEqual([6, 6, 6]);
  });

  it("that came after the tick do not wait for the next one", async () => {
    await coordinatedTick(minute(1), settings);
    await stepTo(minute(1) + 5 * SECOND_MS, GROUPS);
    coordinator.put(jobOf("j", 0));
    await stepTo(minute(1) + 10 * SECOND_MS, GROUPS);
    await stepTo(minute(1) + 10 * SECOND_MS, GROUPS);
    expect(storedMinutes("AAPL")).toEqual([minute(0)]);
  });

  it("are refused one by one with their fault, and never run", async () => {
    coordinator.put(
      jobOf("lower-case", 0, { symbols: ["aapl"] }),
      jobOf("daily", 0, { interval: "1d", start_ms: 0, end_ms: 86_400_000 }),
      jobOf("ancient", -10_000_000),
      jobOf("future", 3),
      jobOf("unserved", 0, { symbols: ["J", "ZZZ"] }),
      jobOf("good", 0, { symbols: ["AAPL", "ZZZ"] }),
    );
    await playMinute(1);
    expect(alpaca.calls).toEqual([["AAPL"]]);
    expect(coordinator.stats()).toMatchObject({
      done: 1,
      dead: 4,
      waiting: 1,
      nacks: { invalid: 1, out_of_range: 2, too_early: 1, unserved: 1 },
    });
  });

  it("fill a queue and sweep for quotes, and are acknowledged when that is done", async () => {
    const before = await queue("T1").status();
    coordinator.put(
      { ...jobOf("backfill", 0), type: "backfill", tier: "T1", symbols: ["AAPL", "NONE"] },
      { v: 1, id: "quotes", type: "quotes", symbols: ["MSFT"] },
    );
    polygon.quoteOf = () => ({ ts: minute(1), bid: 99, ask: 101 });
    await coordinatedTick(minute(1), settings);
    expect(coordinator.stats()).toMatchObject({ done: 2, waiting: 0, nacks: {} });
    expect((await queue("T1").status()).depth).toBe(before.depth + 1);
    expect(polygon.quoteCalls).toEqual([["MSFT"]]);
  });

  it("are asked for what a poll would ask: the active symbols of T0 and T1, T0 first", async () => {
    const tiers = { AAPL: "T1", ORCL: "T0", MSFT: "T2", SPY: "T0", BAC: "T2" } as const;
    postgres.members = Object.entries(tiers).map(([symbol, tier], index) => ({
      symbol,
      sid: 10 + index,
      group: groupOf(symbol, SYMBOL_GROUPS),
      tier,
    }));
    await reset();
    await load(GROUPS);
    coordinator.put(jobOf("j", 0), jobOf("t2", 0, { symbols: ["MSFT"] }));
    await playMinute(1);
    expect(alpaca.calls.toSorted((a, b) => b.length - a.length)).toEqual([
      ["ORCL", "AAPL"],
      ["SPY"],
    ]);
    expect(coordinator.stats()).toMatchObject({ done: 1, dead: 1, nacks: { unserved: 1 } });
  });

  it("that nobody answers for are given back, and come again", async () => {
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    coordinator.put(jobOf("j", 0));
    await playMinute(1);
    expect(coordinator.stats()).toMatchObject({ done: 0, nacks: { unanswered: 2 } });
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "bars" };
    await playMinute(2);
    expect(coordinator.stats()).toMatchObject({ done: 1 });
    expect(storedMinutes("AAPL")).toEqual([minute(0)]);
  });

  it("are neither lost nor told twice when every object is evicted on the way", async () => {
    coordinator.put(jobOf("j", 0));
    await coordinatedTick(minute(1), settings);
    for (const number of GROUPS) await evictDurableObject(group(number));
    await stepTo(minute(1) + 3 * SECOND_MS, GROUPS);
    for (const number of GROUPS) await evictDurableObject(group(number));
    for (const second of [10, 20]) await stepTo(minute(1) + second * SECOND_MS, GROUPS);
    expect(storedMinutes("SPY")).toEqual([minute(0)]);
    expect(coordinator.stats()).toMatchObject({ done: 1, leases_ended: 0 });
  });
});

describe("what is kept of a coordinator's jobs", () => {
  it("has a bound, and is forgotten when the leases end", async () => {
    const g00 = group(0);
    stepMarketClock(minute(1));
    const some = (from: number) => ({
      ok: true as const,
      jobs: Array.from({ length: 100 }, (_, index) => ({
        id: `j${from + index}`,
        leaseMs: 60_000,
        groups: [AAPL_GROUP],
      })),
    });
    expect(await g00.rlcHeard(some(0))).toBe("run");
    expect(await g00.rlcBegin()).toMatchObject({ max: 100 });
    await g00.rlcHeard(some(100));
    expect(await g00.rlcBegin()).toMatchObject({ max: 0, answers: [] });
    await evictDurableObject(g00);
    // A group that has no part of the job says nothing of it.
    await g00.partEnded({ group: MSFT_GROUP, jobs: ["j7"], end: "partial" });
    await g00.partEnded({ group: AAPL_GROUP, jobs: ["j7"], end: "whole" });
    expect(await g00.rlcBegin()).toMatchObject({ answers: [{ id: "j7", nack: null }] });
    await g00.rlcAnswered(["j7"]);
    expect(await g00.rlcBegin()).toMatchObject({ max: 1, answers: [] });
    stepMarketClock(minute(2));
    expect(await g00.rlcBegin()).toMatchObject({ max: 100, answers: [] });
  });

  it("is at most 64 parts in a group, none of them twice", async () => {
    const part = (id: string) => ({
      id,
      jobs: [id],
      group: AAPL_GROUP,
      symbols: ["AAPL"],
      startMs: minute(0),
      endMs: minute(1),
      priority: 0,
    });
    const ids = Array.from({ length: 66 }, (_, index) => `j${index}`);
    stepMarketClock(minute(1));
    expect(await group(AAPL_GROUP).takeParts(ids.map(part))).toEqual(["j64", "j65"]);
    await stepTo(minute(1) + 5 * SECOND_MS, [AAPL_GROUP]);
    expect(await group(AAPL_GROUP).takeParts(["j0", "j1"].map(part))).toEqual([]);
    expect(await group(AAPL_GROUP).takeParts(["j0", "j2"].map(part))).toEqual(["j0"]);
  });
});

describe("a coordinator that falls silent", () => {
  it("is replaced by the sweeper within 30 s of the tick, no minute is missed, and it comes back", async () => {
    coordinator.put(jobOf("m0", 0));
    await playMinute(1);
    expect(await ready()).toMatchObject({ jobs: { source: "rlc", rlc_configured: true } });

    coordinator.away = true;
    const takenOverMs: number[] = [];
    await coordinatedTick(minute(2), settings);
    for (let second = 0; second < 60; second += STEP_S) {
      const nowMs = minute(2) + second * SECOND_MS;
      await stepTo(nowMs, GROUPS);
      if ((await group(0).jobSource()).source === "sweeper") takenOverMs.push(nowMs);
    }
    expect(takenOverMs[0]).toBe(minute(2) + 30 * SECOND_MS);
    expect(storedMinutes("AAPL")).toEqual([minute(0), minute(1)]);

    // From then on the sweeper polls at the tick itself, and nobody asks twice in a minute.
    alpaca.calls.length = 0;
    await playMinute(3);
    expect(storedMinutes("AAPL")).toEqual([minute(0), minute(1), minute(2)]);
    expect(alpaca.calls).toHaveLength(3);

    coordinator.away = false;
    coordinator.put(jobOf("m3", 3));
    alpaca.calls.length = 0;
    await playMinute(4);
    expect(storedMinutes("AAPL")).toEqual([minute(0), minute(1), minute(2), minute(3)]);
    expect(alpaca.calls).toHaveLength(3);
    expect(coordinator.stats()).toMatchObject({ done: 2, waiting: 0 });
  });

  it("is told of in readiness with the reason", async () => {
    coordinator.away = true;
    await playMinute(1);
    const { jobs, warnings } = await ready();
    expect(jobs).toMatchObject({ source: "sweeper", reason: "no answer: TypeError" });
    expect(warnings.join()).toContain("the local sweeper plans the polls");
    expect(storedMinutes("AAPL")).toEqual([minute(0)]);
  });

  it("and a group g00 that does not answer leave the polls to the sweeper", async () => {
    // A property of its own hides the verb of the class from callers.
    await runInDurableObject(group(0), (object) => Reflect.set(object, "rlcBegin", null));
    await playMinute(1);
    expect(storedMinutes("AAPL")).toEqual([minute(0)]);
  });
});
