import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { MAX_BAD_SYMBOLS } from "../../src/routing/bad-symbol-store.ts";
import { REFUSAL_HOLDS_MS } from "../../src/routing/entitlement.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  load,
  minute,
  MSFT_GROUP,
  polygon,
  postgres,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
useWorld();

const breaker = (provider: string) => env.PROVIDER_BREAKER.getByName(provider);
const providersOf = (number: number) => new Set(postgres.rows(number).map((row) => row.provider));
const oneSchema = z.object({
  delay_s: z.unknown(),
  plan_correction: z.object({ delay_s: z.unknown(), message: z.string().nullable() }).nullable(),
  bad_symbols: z.array(z.object({ symbol: z.string(), until: z.string() })),
  capabilities: z.array(
    z.object({
      capability: z.string(),
      state: z.string().nullable(),
      health: z.object({ h: z.number(), error: z.number() }).nullable(),
      entitlement: z.object({ state: z.string(), holds_back: z.boolean() }).nullable(),
    }),
  ),
  decisions: z.array(z.object({ why: z.string().nullable() })),
});
const one = async (name: string) =>
  oneSchema.parse(await (await api(`/providers/${name}?decisions=1`)).json());
const bars = async (name: string) => (await one(name)).capabilities[0];

function bothAnswer(): void {
  alpaca.at = () => 100;
  polygon.at = () => 200;
}

const UNKNOWN_KEY = { kind: "status", status: 401, body: '{"message":"forbidden."}' } as const;

describe("a provider whose key was refused", () => {
  it("is not asked again until its time, then by one job, and its health does not move", async () => {
    bothAnswer();
    const groups = [AAPL_GROUP, MSFT_GROUP];
    await load(groups);
    alpaca.mood = UNKNOWN_KEY;
    await tick(minute(1), [G]);
    expect(alpaca.calls).toHaveLength(1);
    stepMarketClock(minute(1) + 30_000);
    await tick(minute(1) + 30_000, [MSFT_GROUP]);
    expect(alpaca.calls).toHaveLength(1);
    expect((await one("alpaca")).decisions[0]?.why).toContain("its key was refused");
    await evictDurableObject(breaker("alpaca"));
    expect(await bars("alpaca")).toMatchObject({
      state: "closed",
      health: { h: 1, error: 1 },
      entitlement: { state: "unauthorized", holds_back: true },
    });

    await tick(minute(3), groups);
    expect(alpaca.calls).toHaveLength(2);
    expect(providersOf(G)).toEqual(new Set(["polygon"]));

    alpaca.mood = { kind: "bars" };
    await tick(minute(5), [G]);
    expect(await bars("alpaca")).toMatchObject({
      entitlement: { state: "granted", holds_back: false },
    });
    expect(providersOf(G)).toContain("alpaca");
  });

  it("for a plan is let be for a quarter of an hour by all groups", async () => {
    bothAnswer();
    await load([G]);
    // What refuses a delay that it has already is about the capability.
    alpaca.refuse = () =>
      Response.json({ message: "subscription does not permit this" }, { status: 403 });
    for (let index = 1; index < 4; index += 1) await tick(minute(index), [G]);
    // Once live, and once as late as the row was corrected to: by then a window has such minutes.
    const { capabilities } = await one("alpaca");
    expect(capabilities[0]).toMatchObject({ state: "closed", health: { h: 1 } });
    const asked = alpaca.calls.length;
    await breaker("alpaca").report("bars_1m", {
      outcomes: [],
      unspentCredits: 0,
      rate: null,
      entitlement: { state: "not_entitled", message: "403", atMs: minute(4) },
    });
    for (let index = 4; index < 18; index += 1) await tick(minute(index), [G]);
    expect(alpaca.calls).toHaveLength(asked);
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ right: "refused" });
    stepMarketClock(minute(4) + REFUSAL_HOLDS_MS.not_entitled);
    expect(await breaker("alpaca").takeProbe("bars_1m")).toBe(true);
    expect(await breaker("alpaca").takeProbe("bars_1m")).toBe(false);
  });
});

describe("a key that is later than its plan says", () => {
  it("corrects the row at the first refusal, is asked as late as that, and it is said", async () => {
    bothAnswer();
    await env.CONFIG_STORE.getByName("config").isolate("polygon", null, "test");
    await load([G]);
    // A basic key behind ALPACA_PLAN=plus: sip of the last 15 minutes is refused.
    let nowMs = minute(0);
    let refusals = 0;
    alpaca.refuse = ({ endMs }) => {
      if (endMs <= nowMs - 15 * MINUTE_MS) return null;
      refusals += 1;
      const message = "subscription does not permit querying recent SIP data";
      return Response.json({ message }, { status: 403 });
    };
    for (let index = 1; index <= 25; index += 1) {
      nowMs = minute(index) + 3_000;
      await tick(minute(index), [G]);
    }
    const shown = await one("alpaca");
    expect(shown).toMatchObject({
      delay_s: 960,
      plan_correction: { delay_s: 960 },
    });
    expect(shown.capabilities[0]).toMatchObject({
      state: "closed",
      entitlement: { state: "granted", holds_back: false },
    });
    expect(shown.plan_correction?.message).toContain("subscription");
    // One refusal; then only what it may have, which the overlap of 21 minutes reaches.
    expect(refusals).toBe(1);
    expect(alpaca.calls.length).toBeGreaterThan(1);
    expect(postgres.rows(G)).toContainEqual(
      expect.objectContaining({ symbol: "AAPL", ts: minute(5), provider: "alpaca" }),
    );
    const ready: unknown = await (await api("/health/ready")).json();
    expect(JSON.stringify(ready)).toContain("alpaca: its key is later than the configured plan");
    await evictDurableObject(breaker("alpaca"));
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ delayMs: 960_000 });
  });
});

describe("a symbol that a provider calls malformed", () => {
  it("fails no batch and is not asked of it for a day; the next provider is asked for it", async () => {
    bothAnswer();
    alpaca.unknown.add("ORCL");
    await load([G]);
    await tick(minute(1), [G]);
    expect(alpaca.calls).toEqual([["AAPL", "ORCL"], ["AAPL"]]);
    await evictDurableObject(breaker("alpaca"));
    await tick(minute(2), [G]);
    expect(alpaca.calls.slice(2)).toEqual([["AAPL"]]);
    expect(postgres.rows(G).map(({ symbol, provider }) => `${symbol} ${provider}`)).toEqual(
      expect.arrayContaining(["AAPL alpaca", "ORCL polygon"]),
    );
    expect(await bars("alpaca")).toMatchObject({
      state: "closed",
      health: { error: 1 },
      entitlement: { state: "granted" },
    });
    expect((await one("alpaca")).bad_symbols.map(({ symbol }) => symbol)).toEqual(["ORCL"]);
    stepMarketClock(minute(2) + DAY_MS);
    expect((await breaker("alpaca").snapshot()).badSymbols).toEqual([]);
  });

  it("is one of a bounded number, and a symbol", async () => {
    const report = { outcomes: [], unspentCredits: 0, rate: null, entitlement: null };
    const letters = (index: number) =>
      [26 * 26, 26, 1].map((unit) => String.fromCodePoint(65 + (Math.floor(index / unit) % 26)));
    const symbols = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => `X${letters(from + index).join("")}`);
    // Beyond the day that the test before went on.
    stepMarketClock(minute(5));
    await breaker("alpaca").report("bars_1m", {
      ...report,
      badSymbols: [...symbols(0, MAX_BAD_SYMBOLS), "no symbol"],
    });
    stepMarketClock(minute(6));
    await breaker("alpaca").report("bars_1m", {
      ...report,
      badSymbols: symbols(MAX_BAD_SYMBOLS, 10),
    });
    const kept = await runInDurableObject(
      breaker("alpaca"),
      async (_object, state) =>
        state.storage.sql.exec("SELECT count(*) AS rows FROM bad_symbol").one()["rows"],
    );
    expect(kept).toBe(MAX_BAD_SYMBOLS);
    const { badSymbols } = await breaker("alpaca").snapshot();
    expect(badSymbols.map(({ symbol }) => symbol)).toContain(symbols(MAX_BAD_SYMBOLS, 1)[0]);
  });
});
