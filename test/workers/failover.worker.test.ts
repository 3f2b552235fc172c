import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  AAPL_GROUP,
  alpaca,
  group,
  load,
  minute,
  MSFT_GROUP,
  polygon,
  postgres,
  SPY_GROUP,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

const G = AAPL_GROUP;
useWorld();

const breaker = (provider: string) => env.PROVIDER_BREAKER.getByName(provider);
const stateOf = async (provider: string) =>
  (await breaker(provider).snapshot()).capabilities[0]?.state;
const providersOf = (number: number) => new Set(postgres.rows(number).map((row) => row.provider));

/** Both answer every symbol, told apart by their closes. */
function bothAnswer(): void {
  alpaca.at = () => 100;
  polygon.at = () => 200;
}

describe("an answer that cannot be used", () => {
  for (const [name, body] of [
    ["HTML", "<html><body>Bad gateway</body></html>"],
    [
      "JSON of another shape",
      '{"bars":{"AAPL":[{"t":"2026-03-20T13:30:00Z","o":"one"}]},"next_page_token":null}',
    ],
    ["bars of a symbol that was not asked for", '{"bars":{"FOO":[]},"next_page_token":null}'],
    ["an answer without its page token", '{"bars":{}}'],
  ] as const) {
    it(`${name} is left to the next provider and stores nothing wrong`, async () => {
      bothAnswer();
      alpaca.mood = { kind: "status", status: 200, body };
      await load([G]);
      await tick(minute(1), [G]);
      expect(postgres.rows(G).map((row) => [row.symbol, row.ts, row.close, row.provider])).toEqual([
        ["AAPL", minute(0), 200, "polygon"],
        ["ORCL", minute(0), 200, "polygon"],
      ]);
    });
  }
});

describe("the breaker of a provider", () => {
  it("opens after five failures in a row, keeps that over an eviction, and returns by its probes", async () => {
    bothAnswer();
    alpaca.mood = { kind: "status", status: 502 };
    await load([G]);
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    expect(await stateOf("alpaca")).toBe("closed");
    await tick(minute(5), [G]);
    expect(await stateOf("alpaca")).toBe("open");
    await evictDurableObject(breaker("alpaca"));
    expect(await stateOf("alpaca")).toBe("open");
    expect(providersOf(G)).toEqual(new Set(["polygon"]));
    alpaca.mood = { kind: "bars" };
    await stepTo(minute(5) + 40_000, [G]);
    expect(await stateOf("alpaca")).toBe("half_open");
    for (const index of [6, 7, 8]) await tick(minute(index), [G]);
    expect(await stateOf("alpaca")).toBe("closed");
  });

  it("does not open for a refusal that is about the key", async () => {
    bothAnswer();
    alpaca.mood = {
      kind: "status",
      status: 403,
      body: '{"message":"subscription does not permit querying recent SIP data"}',
    };
    await load([G]);
    for (let index = 1; index < 9; index += 1) await tick(minute(index), [G]);
    expect(await stateOf("alpaca")).not.toBe("open");
    expect(providersOf(G)).toEqual(new Set(["polygon"]));
  });

  it("never grants more credits than the plan has, however many ask at once", async () => {
    const grants = await Promise.all(
      Array.from({ length: 30 }, () => breaker("alpaca").takeCredits(1_000, "live")),
    );
    expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBe(10_000);
    expect(grants.some(({ waitMs }) => waitMs > 0)).toBe(true);
  });

  it("is charged one credit for one call", async () => {
    bothAnswer();
    await load([G]);
    await tick(minute(1), [G]);
    expect(alpaca.calls).toHaveLength(1);
    expect((await breaker("alpaca").snapshot()).credits.left).toBe(9_999);
  });

  it("lets a job fail over to a half-open provider although other jobs did not need it", async () => {
    bothAnswer();
    const groups = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
    await load(groups);
    const failure = {
      atMs: minute(0),
      ok: false,
      durationMs: 500,
      asked: 1,
      answered: 0,
      limited: false,
    };
    await breaker("polygon").report("bars_1m", {
      outcomes: [failure, failure, failure, failure, failure],
      unspentCredits: 0,
      rate: null,
      entitlement: null,
    });
    expect(await stateOf("polygon")).toBe("open");
    // All are served by the first provider; each of them only looked at the second.
    stepMarketClock(minute(1) + 3_000);
    for (const number of groups) await group(number).plan(minute(1));
    for (const number of groups) await group(number).runUntilQuiet();
    expect(await stateOf("polygon")).toBe("half_open");
    alpaca.mood = { kind: "status", status: 502 };
    await tick(minute(2), groups);
    for (const number of groups) expect(providersOf(number)).toContain("polygon");
  });
});
