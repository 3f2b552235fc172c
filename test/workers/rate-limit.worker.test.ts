import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ProviderBreaker } from "../../durable-objects/provider-breaker.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { marketClock, stepMarketClock } from "../../src/platform/clocks.ts";
import { group, load, minute, polygon, SYMBOL_GROUPS, useWorld } from "./support/world.ts";

const MEMBERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (letter) => [letter, `${letter}X`]).flat();
const GROUPS = [...new Set(MEMBERS.map((symbol) => groupOf(symbol, SYMBOL_GROUPS)))];
useWorld(MEMBERS);

/** What happened at polygon's object since the last poll: credits granted, and those after a 429. */
let granted = 0;
let grantedAfterLimit = 0;
let isLimited = false;

beforeEach(async () => {
  // Only polygon is asked, one call a symbol: 52 calls a minute, of jobs side by side.
  await env.CONFIG_STORE.getByName("config").isolate("alpaca", null, "test");
  polygon.at = () => 200;
  const { takeCredits, correctCredits } = ProviderBreaker.prototype;
  const spied = vi.spyOn(ProviderBreaker.prototype, "takeCredits");
  spied.mockImplementation(async function (this: ProviderBreaker, wanted, lane) {
    const answer = await takeCredits.call(this, wanted, lane);
    granted += answer.granted;
    if (isLimited) grantedAfterLimit += answer.granted;
    return answer;
  });
  const told = vi.spyOn(ProviderBreaker.prototype, "correctCredits");
  told.mockImplementation(async function (this: ProviderBreaker, notice) {
    await correctCredits.call(this, notice);
    isLimited = true;
  });
});

/** A poll of all groups at once; how many calls were made in its minute. */
async function poll(index: number): Promise<number> {
  granted = 0;
  grantedAfterLimit = 0;
  isLimited = false;
  stepMarketClock(minute(index) + 5_000);
  await Promise.all(GROUPS.map((number) => group(number).plan(minute(index))));
  await Promise.all(GROUPS.map((number) => group(number).runUntilQuiet()));
  return polygon.callsOfMinute.get(minute(index)) ?? 0;
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
      polygon.quota = { calls: 10, named, now: () => marketClock.now() };
      for (const index of [2, 3]) {
        const calls = await poll(index);
        expect(calls).toBeGreaterThanOrEqual(10);
        expect(calls).toBeLessThanOrEqual(granted + 1);
        expect(calls).toBeLessThan(MEMBERS.length);
        expect(isLimited).toBe(true);
        expect(grantedAfterLimit).toBe(0);
      }
    },
  );

  it("make none of the calls that a window which is spent already has not got", async () => {
    await load(GROUPS);
    polygon.quota = { calls: 10, named: true, now: () => marketClock.now() };
    const resetMs = minute(3);
    stepMarketClock(minute(2));
    await env.PROVIDER_BREAKER.getByName("polygon").settleCredits(0, { remaining: 10, resetMs });
    expect(await poll(2)).toBe(10);
    expect(isLimited).toBe(false);
  });
});
