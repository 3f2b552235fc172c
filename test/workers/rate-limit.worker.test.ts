import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ProviderBreaker } from "../../durable-objects/provider-breaker.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { marketClock, stepMarketClock } from "../../src/platform/clocks.ts";
import { group, load, minute, polygon, SYMBOL_GROUPS, useWorld } from "./support/world.ts";

const MEMBERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter) => [letter, `${letter}X`]).flat();
const GROUPS = [...new Set(MEMBERS.map((symbol) => groupOf(symbol, SYMBOL_GROUPS)))];
useWorld(MEMBERS);

beforeEach(async () => {
  // Only polygon is asked, one call a symbol: 52 calls a minute, of jobs side by side.
  await env.CONFIG_STORE.getByName("config").isolate("alpaca", null, "test");
  polygon.at = () => 200;
});

/** Credits that were granted while `act` ran, and those of asks that came after a 429 was told. */
async function grantsWhile(act: () => Promise<void>) {
  const asks = vi.spyOn(ProviderBreaker.prototype, "takeCredits");
  const tidings = vi.spyOn(ProviderBreaker.prototype, "correctCredits");
  await act();
  const limitedAt = tidings.mock.invocationCallOrder[0] ?? Infinity;
  const grants = await Promise.all(
    asks.mock.results.map(async ({ type, value }) => (type === "return" ? await value : null)),
  );
  const order = asks.mock.invocationCallOrder;
  const sum = (fromOrder: number) =>
    grants.reduce((total, grant, index) => {
      const counts = grant !== null && (order[index] ?? 0) > fromOrder;
      return total + (counts ? grant.granted : 0);
    }, 0);
  asks.mockRestore();
  tidings.mockRestore();
  return { granted: sum(0), afterLimit: sum(limitedAt), isLimited: limitedAt < Infinity };
}

/** A poll of all groups at once: the calls that were made in its minute, and what was granted. */
async function poll(index: number) {
  stepMarketClock(minute(index) + 5_000);
  const grants = await grantsWhile(async () => {
    await Promise.all(GROUPS.map((number) => group(number).plan(minute(index))));
    await Promise.all(GROUPS.map((number) => group(number).runUntilQuiet()));
  });
  return { calls: polygon.callsOfMinute.get(minute(index)) ?? 0, ...grants };
}

describe("jobs side by side at a provider that refuses by its rate", () => {
  it.each([
    ["and names it in headers", true],
    ["and says nothing but 429", false],
  ])(
    "%s make no more calls than were granted, and get none after a 429 until its reset",
    async (_name, named) => {
      await load(GROUPS);
      // A tenth of what the plan says: the provider is the one who knows.
      polygon.quota = { calls: 10, named, late: true, now: () => marketClock.now() };
      for (const index of [2, 3]) {
        const { calls, granted, afterLimit, isLimited } = await poll(index);
        expect(calls).toBeGreaterThanOrEqual(10);
        expect(calls).toBeLessThanOrEqual(granted + 1);
        expect(calls).toBeLessThan(MEMBERS.length);
        expect(isLimited).toBe(true);
        expect(afterLimit).toBe(0);
      }
    },
  );

  it("make none of the calls that a window which is spent already has not got", async () => {
    await load(GROUPS);
    polygon.quota = { calls: 10, named: true, now: () => marketClock.now() };
    const resetMs = minute(3);
    stepMarketClock(minute(2));
    await env.PROVIDER_BREAKER.getByName("polygon").settleCredits(0, { remaining: 10, resetMs });
    const { calls, isLimited } = await poll(2);
    expect(isLimited).toBe(false);
    // A job may hold one more than it turns out to need, until it is over.
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThanOrEqual(10);
  });
});
