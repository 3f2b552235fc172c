import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import type { OfferedHole } from "../../src/contracts/backfill.ts";
import { firstKeptDate } from "../../src/domain/retention.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { providerBreakerStub, sloMonitorStub } from "../../src/platform/stubs.ts";
import { catchLetters } from "./support/backfills.ts";
import { fakeRunner, MALFORMED, nothingOf } from "./support/fake-runner.ts";
import { setConfig, setConfigUntold, useWallByHand } from "./support/configs.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connectTo,
  currentSession,
  group,
  ingestMinute,
  load,
  minute,
  polygon,
  postgres,
  queue,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
useWorld();
const wall = useWallByHand();
const letters = catchLetters();
beforeEach(() => {
  alpaca.at = () => 100;
  polygon.at = () => 200;
});

/** How long after its tick the poll of a minute is due. */
async function pollAfter(index: number): Promise<number> {
  stepMarketClock(minute(index));
  await group(G).plan(minute(index));
  return await runInDurableObject(group(G), (_, state) => {
    const duty = "SELECT due_ms FROM duty WHERE name LIKE 'poll:%'";
    const { due_ms: dueMs } = state.storage.sql.exec<{ due_ms: number }>(duty).one();
    return dueMs - minute(index);
  });
}

describe("a symbol group", () => {
  it("polls by the new offset from the next minute on, its sockets stay and lose nothing", async () => {
    await load([G]);
    const client = await connectTo(G, "?symbols=AAPL");
    await ingestMinute(G, 0, { AAPL: 100 });
    expect(await pollAfter(2)).toBe(3_000);
    await stepTo(minute(2) + 3_000, [G]);
    await setConfig({ poll_offset_s: { alpaca: 7 } });
    expect(await pollAfter(3)).toBe(7_000);
    await stepTo(minute(3) + 7_000, [G]);
    await evictDurableObject(group(G));
    expect(await pollAfter(4)).toBe(7_000);
    await stepTo(minute(4) + 7_000, [G]);
    await client.settled();
    const numbers = client.flushes().map(({ fs }) => fs);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(numbers.length).toBeGreaterThanOrEqual(3);
    expect(client.closed).toBeNull();
  });

  it("that nobody told acts by a new version after 5 s at the latest", async () => {
    await load([G]);
    await pollAfter(1);
    await stepTo(minute(1) + 3_000, [G]);
    await setConfigUntold(() => ({
      poll_offset_s: { alpaca: 9, polygon: 5, iex: 3, finnhub: 25 },
    }));
    wall.pass(4_000);
    expect(await pollAfter(2)).toBe(3_000);
    await stepTo(minute(2) + 3_000, [G]);
    wall.pass(1_001);
    expect(await pollAfter(3)).toBe(9_000);
  });

  it("holds what it has while ConfigStore does not answer", async () => {
    await load([G]);
    await setConfig({ poll_offset_s: { alpaca: 7 } });
    vi.spyOn(ConfigStore.prototype, "configState").mockRejectedValue(new Error("overloaded"));
    wall.pass(60_000);
    expect(await pollAfter(1)).toBe(7_000);
    const response = await api("/health/ready");
    expect(response.status).toBe(503);
    expect(await response.text()).toMatch(/ConfigStore does not answer, version 2 holds/);
  });

  it("asks nobody for a day that has been declared closed", async () => {
    await load([G]);
    await tick(minute(1), [G]);
    const { length } = alpaca.calls;
    expect(length).toBeGreaterThan(0);
    const { date } = currentSession();
    await setConfig({ calendar_overrides: [{ date, closed: true }] });
    await tick(minute(2), [G]);
    await tick(minute(3), [G]);
    expect(alpaca.calls).toHaveLength(length);
    expect(await (await api(`/v1/calendar?start=${date}&end=${date}`)).text()).not.toContain(
      "open",
    );
  });

  it("waits for a late bar as long as the new settle delay says", async () => {
    await load([G]);
    const missing = async () => {
      const response = await api(`/v1/coverage?symbols=AAPL&start=${minute(0)}&end=${minute(1)}`);
      return await response.text();
    };
    stepMarketClock(minute(8));
    expect(await missing()).toContain('"missing":1');
    await setConfig({ settle_delay_s: 3_600 });
    expect(await missing()).toContain('"pending":1');
    await evictDurableObject(group(G));
    expect(await missing()).toContain('"pending":1');
  });
});

describe("the runner", () => {
  it("asks whom the policy names now, and says by which version", async () => {
    await load([G]);
    await tick(minute(1), [G]);
    expect(polygon.calls).toEqual([]);
    await setConfig({ policies: { bars_1m: ["polygon", "alpaca"] } });
    await tick(minute(2), [G]);
    const given = postgres
      .rows(G)
      .filter(({ symbol }) => symbol === "AAPL")
      .map(({ ts, provider }) => [ts, provider]);
    expect(given).toEqual([
      [minute(0), "alpaca"],
      [minute(1), "polygon"],
    ]);
    const text = await (await api("/metrics")).text();
    expect(text).toMatch(/^config_version\{component="runner"\} 1$/m);
    expect(text).toMatch(/^config_version\{component="group"\} 1$/m);
  });

  it("keeps bars and quotes for as long as is said now", async () => {
    await setConfig({ retention_days: { bars: 40, quotes: 3 } });
    await tick(minute(0), [0]);
    const kept = postgres.retention.asked.filter((call) => call.startsWith("keep_from"));
    expect(kept).toEqual([
      `keep_from bars ${firstKeptDate(minute(0), 40)}`,
      `keep_from quotes ${firstKeptDate(minute(0), 3)}`,
    ]);
  });
});

describe("group g00", () => {
  it("sweeps quotes at the new cadence", async () => {
    await load([G]);
    await setConfig({ quote_every_s: 20 });
    polygon.quoteOf = () => ({ ts: minute(1), bid: 10, ask: 11 });
    stepMarketClock(minute(1));
    await group(0).plan(minute(1), true);
    for (const second of [0, 15, 20, 30, 40, 45]) await stepTo(minute(1) + second * 1_000, [0, G]);
    expect(polygon.quoteCalls).toHaveLength(3);
  });
});

describe("a backfill queue", () => {
  const hole = (index: number): OfferedHole => ({
    group: G,
    symbol: "AAPL",
    interval: "1m",
    startMs: minute(index),
    endMs: minute(index + 1),
    priority: 0,
  });

  it("takes up to the new cap, evicted or not", async () => {
    await setConfig({ backfill: { cap: { T2: 2 } } });
    stepMarketClock(minute(20));
    expect(await queue("T2").offer([hole(0), hole(2), hole(4)], "gap")).toEqual({ taken: 2 });
    await evictDurableObject(queue("T2"));
    expect(await queue("T2").status()).toMatchObject({ depth: 2, cap: 2 });
    await setConfig({ backfill: { cap: { T2: 3 } } });
    expect(await queue("T2").offer([hole(4), hole(6)], "gap")).toEqual({ taken: 1 });
    await evictDurableObject(queue("T2"));
    expect(await queue("T2").status()).toMatchObject({ depth: 3, cap: 3 });
  });

  it("gives up after the new number of attempts", async () => {
    fakeRunner((run) => nothingOf(run, MALFORMED));
    stepMarketClock(minute(20));
    await queue("T2").offer([hole(0)], "gap");
    await queue("T2").runUntilQuiet();
    expect(await queue("T2").status()).toMatchObject({ depth: 1, unconfirmed: 0 });
    await setConfig({ backfill: { attempts: 2 } });
    await evictDurableObject(queue("T2"));
    stepMarketClock(minute(40));
    await queue("T2").runUntilQuiet();
    expect(await queue("T2").status()).toMatchObject({ unconfirmed: 1 });
    expect(letters).toMatchObject([{ symbol: "AAPL", attempts: 2 }]);
  });
});

describe("a breaker", () => {
  const slow = (count: number) => ({
    outcomes: Array.from({ length: count }, () => ({
      atMs: minute(1),
      ok: true,
      limited: false,
      durationMs: 450,
      asked: 1,
      answered: 1,
    })),
    unspentCredits: 0,
    rate: null,
    entitlement: null,
  });
  const state = async () => (await providerBreakerStub(env, "alpaca").admission("bars_1m")).state;

  it("opens by the new threshold, and by the new latency cap, evicted or not", async () => {
    stepMarketClock(minute(1));
    const breaker = providerBreakerStub(env, "alpaca");
    await breaker.report("bars_1m", slow(5));
    expect(await state()).toBe("closed");
    // H is 0.775: 450 ms of a cap of 500 ms leave a tenth of the latency's share.
    await setConfig({ breaker: { demote: 0.8, promote: 0.9 } });
    await evictDurableObject(breaker);
    await breaker.report("bars_1m", slow(1));
    expect(await state()).toBe("open");
  });
});

describe("the monitor of service levels", () => {
  it("takes its samples at the new cadence, evicted or not", async () => {
    const sampleAt = async (ms: number) => {
      stepMarketClock(ms);
      return await sloMonitorStub(env).runUntilQuiet();
    };
    expect(await sampleAt(minute(10) + 1_000)).toBe(minute(10) + 30_000);
    await setConfig({ slo: { every_s: 120, targets: { T0: 0.1 } } });
    expect(await sampleAt(minute(10) + 31_000)).toBe(minute(12));
    await evictDurableObject(sloMonitorStub(env));
    expect(await sampleAt(minute(12))).toBe(minute(12) + 2 * MINUTE_MS);
    const status = await sloMonitorStub(env).status(1);
    expect(status.budgets.find(({ tier }) => tier === "T0")?.target).toBe(0.1);
  });
});
