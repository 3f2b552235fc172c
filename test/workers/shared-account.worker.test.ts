import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { ProviderBreaker } from "../../durable-objects/provider-breaker.ts";
import type { ProviderId } from "../../src/domain/provider-id.ts";
import { CreditPurse } from "../../src/ingest/credit-purse.ts";
import { marketClock, stepMarketClock } from "../../src/platform/clocks.ts";
import { AAPL_GROUP, alpaca, load, minute, polygon, tick, useWorld } from "./support/world.ts";

// Without keys of its own iex is on Alpaca's account.
useWorld();

const breaker = (provider: ProviderId) => env.PROVIDER_BREAKER.getByName(provider);
const purseOf = (provider: ProviderId) =>
  new CreditPurse({
    provider,
    lane: "live",
    breaker: breaker(provider),
    now: () => marketClock.now(),
  });
const report = { outcomes: [], unspentCredits: 0, rate: null, entitlement: null };
const call = (change: object = {}) => ({
  atMs: minute(1),
  ok: true,
  limited: false,
  durationMs: 5,
  asked: 10,
  answered: 10,
  ...change,
});
const outage = (transport: boolean) => ({
  ...report,
  outcomes: [
    call({ ok: false, answered: 0, transport }),
    call({ ok: false, answered: 0, transport }),
  ],
});
const quotesOf = async (provider: ProviderId) =>
  (await breaker(provider).snapshot()).capabilities.find(
    ({ capability }) => capability === "quotes_l1",
  );

describe("two providers on one host and key", () => {
  it("make together as many calls as the key has, however many jobs ask side by side", async () => {
    stepMarketClock(minute(0));
    await breaker("iex").correctCredits({ remaining: 40, resetMs: minute(1) });
    let calls = 0;
    const run = async (provider: ProviderId) => {
      const purse = purseOf(provider);
      for (let made = 0; made < 20; made += 1) {
        await purse.spend();
        calls += 1;
      }
    };
    const jobs = Array.from({ length: 10 }, (_, job) => run(job % 2 === 0 ? "alpaca" : "iex"));
    const ended = await Promise.allSettled(jobs);
    expect(calls).toBeLessThanOrEqual(40);
    expect(calls).toBeGreaterThan(20);
    expect(ended.some(({ status }) => status === "rejected")).toBe(true);
  });

  it("have one bucket: what one takes or gives back the other sees, over an eviction of both", async () => {
    stepMarketClock(minute(0));
    expect((await breaker("iex").takeCredits(100, "live")).granted).toBe(100);
    await breaker("alpaca").takeCredits(50, "live");
    await breaker("iex").report("quotes_l1", { ...report, unspentCredits: 30 });
    await evictDurableObject(breaker("iex"));
    await evictDurableObject(breaker("alpaca"));
    for (const provider of ["alpaca", "iex"] as const) {
      const { credits, creditOwner } = await breaker(provider).snapshot();
      expect([credits.left, credits.perMinute, creditOwner]).toEqual([9_880, 10_000, "alpaca"]);
    }
  });

  it("both wait when one of them is told that its quota is spent", async () => {
    stepMarketClock(minute(0));
    const rate = { remaining: 0, resetMs: minute(1) };
    await breaker("iex").report("quotes_l1", { ...report, rate });
    expect(await breaker("alpaca").takeCredits(1, "live")).toEqual({
      granted: 0,
      waitMs: 60_000,
    });
  });

  it("hear of each other that the host can't be reached, once a report", async () => {
    stepMarketClock(minute(1));
    await breaker("iex").report("quotes_l1", outage(false));
    const before = (await quotesOf("iex"))?.score;
    await breaker("alpaca").report("bars_1m", outage(false));
    expect((await quotesOf("iex"))?.score).toEqual(before);
    for (let index = 0; index < 3; index += 1) {
      expect((await quotesOf("iex"))?.state).toBe("closed");
      await breaker("alpaca").report("bars_1m", outage(true));
    }
    // Two failures of its own and three that it heard of are five in a row.
    expect((await quotesOf("iex"))?.state).toBe("open");
  });

  it("are not doubted while they answer, whatever is heard", async () => {
    stepMarketClock(minute(1));
    await breaker("iex").report("quotes_l1", { ...report, outcomes: [call()] });
    for (let index = 0; index < 10; index += 1)
      await breaker("alpaca").report("bars_1m", outage(true));
    expect(await quotesOf("iex")).toMatchObject({ state: "closed", score: { error: 1 } });
  });

  it("do not lose a report because the other could not be told", async () => {
    vi.spyOn(ProviderBreaker.prototype, "hearOutage").mockRejectedValue(new Error("overloaded"));
    alpaca.mood = { kind: "status", status: 502 };
    polygon.at = () => 200;
    await load([AAPL_GROUP]);
    await tick(minute(2), [AAPL_GROUP]);
    const { capabilities } = await breaker("alpaca").snapshot();
    expect(capabilities.map(({ capability, score }) => [capability, score.error])).toEqual([
      ["bars_1m", 0],
    ]);
  });
});
