import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ConfigStore } from "../../durable-objects/config-store.ts";
import { ProviderBreaker } from "../../durable-objects/provider-breaker.ts";
import { MAX_HEALTH_SAMPLES } from "../../src/domain/health-sample.ts";
import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { Decision } from "../../src/routing/decision.ts";
import { MAX_DECISIONS } from "../../src/routing/provider-history.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  KEY,
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

/** Wall time moves only as a test says: an isolation is read again after 5 s of it. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
  alpaca.at = () => 100;
  polygon.at = () => 200;
});

const breaker = (provider: string) => env.PROVIDER_BREAKER.getByName(provider);
const store = () => env.CONFIG_STORE.getByName("config");
/** Five failed calls in a row: they open a breaker. */
const failures = (atMs: number) => ({
  outcomes: Array.from({ length: 5 }, () => ({
    atMs,
    ok: false,
    limited: false,
    durationMs: 5,
    asked: 1,
    answered: 0,
  })),
  unspentCredits: 0,
  rate: null,
  entitlement: null,
});
const DOWN = { kind: "status", status: 502 } as const;

const candidateSchema = z.object({
  provider: z.string(),
  state: z.string(),
  h: z.number(),
  verdict: z.string(),
  failure: z.string().nullable(),
});
const providerSchema = z.object({
  name: z.string(),
  configured: z.boolean(),
  plan: z.string().nullable(),
  delay_s: z.unknown(),
  isolated: z.object({ since: z.string(), reason: z.string().nullable() }).nullable(),
  credits: z.object({ left: z.number(), per_minute: z.number(), window: z.unknown() }).nullable(),
  capabilities: z.array(
    z.object({
      capability: z.string(),
      policy_place: z.number().nullable(),
      symbols_per_minute: z.unknown(),
      state: z.string().nullable(),
      health: z.record(z.string(), z.number()).nullable(),
      entitlement: z.object({ state: z.string(), message: z.string().nullable() }).nullable(),
    }),
  ),
  fault: z.string().nullable(),
});
const oneSchema = providerSchema.extend({
  decisions: z.array(
    z.object({
      minute: z.string(),
      jobs: z.number(),
      asked: z.array(z.string()),
      why: z.string().nullable(),
      candidates: z.array(candidateSchema),
    }),
  ),
  acts: z.array(z.object({ actor: z.string(), act: z.string(), reason: z.string().nullable() })),
});
const allSchema = z.object({
  providers: z.array(providerSchema),
  policies: z.array(
    z.object({
      capability: z.string(),
      served: z.boolean(),
      served_by: z.string().nullable(),
      unserved_reason: z.string().nullable(),
    }),
  ),
});
const historySchema = z.object({
  samples: z.array(
    z.object({
      at: z.string(),
      capability: z.string(),
      state: z.string(),
      h: z.number(),
      calls: z.number(),
      failures: z.number(),
    }),
  ),
});

const all = async () => allSchema.parse(await (await api("/providers")).json());
const one = async (name: string, query = "") =>
  oneSchema.parse(await (await api(`/providers/${name}${query}`)).json());
const history = async (name: string) =>
  historySchema.parse(await (await api(`/providers/${name}/health-history`)).json()).samples;
const minuteBars = (provider: z.infer<typeof providerSchema> | undefined) =>
  provider?.capabilities.find(({ capability }) => capability === "bars_1m");

async function act(name: string, verb: "isolate" | "release", body = ""): Promise<Response> {
  return await exports.default.fetch(
    new Request(`https://mds.test/ops/providers/${name}/${verb}`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body,
    }),
  );
}

describe("GET /providers", () => {
  it("says of each provider what is configured, what it serves and how healthy it is", async () => {
    await load([G]);
    await tick(minute(1), [G]);
    const { providers } = await all();
    expect(providers.map(({ name, configured, plan }) => [name, configured, plan])).toEqual([
      ["polygon", true, "advanced"],
      ["alpaca", true, "plus"],
      ["finnhub", false, null],
      // Without keys of its own it is on Alpaca's account.
      ["iex", true, "alpaca"],
    ]);
    expect(providers[1]).toMatchObject({
      delay_s: 0,
      credits: { left: 9_999, per_minute: 10_000, window: null },
      fault: null,
    });
    expect(minuteBars(providers[1])).toMatchObject({
      policy_place: 1,
      symbols_per_minute: 2_000_000,
      state: "closed",
      health: { breaker: 1, error: 1, completeness: 1 },
      entitlement: { state: "granted" },
    });
    // It was never asked: nothing is claimed about its health.
    expect(minuteBars(providers[0])).toMatchObject({ policy_place: 2, health: null });
  });

  it("names the policies that nobody serves, with the reason of each of their providers", async () => {
    const { policies } = await all();
    expect(policies.find(({ capability }) => capability === "bars_1m")).toMatchObject({
      served: true,
      served_by: "alpaca",
      unserved_reason: null,
    });
    for (const { served, unserved_reason: reason } of policies)
      expect(served || /^polygon: \w/.test(reason ?? "")).toBe(true);
  });

  it("answers for the others when one object cannot be asked", async () => {
    vi.spyOn(ProviderBreaker.prototype, "snapshot").mockRejectedValueOnce(new Error("overloaded"));
    const { providers } = await all();
    expect(providers.filter(({ fault }) => fault !== null)).toHaveLength(1);
  });

  it("shows what a refusal said of the key's rights", async () => {
    alpaca.mood = {
      kind: "status",
      status: 403,
      body: '{"message":"subscription does not permit querying recent SIP data"}',
    };
    await load([G]);
    await tick(minute(1), [G]);
    const bars = minuteBars(await one("alpaca"));
    expect(bars).toMatchObject({ state: "closed", entitlement: { state: "delayed" } });
    expect(bars?.entitlement?.message).toContain("subscription");
  });

  it("knows no provider of another name", async () => {
    for (const path of ["/providers/nobody", "/providers/nobody/health-history"]) {
      const response = await api(path);
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { code: "unknown_provider" },
      ]);
    }
    expect((await act("nobody", "isolate")).status).toBe(404);
    expect((await api("/providers/alpaca/health-history?capability=news")).status).toBe(422);
  });
});

describe("the health history of a provider", () => {
  it("has a sample of each minute with calls, kept over an eviction", async () => {
    await load([G]);
    await tick(minute(1), [G]);
    alpaca.mood = DOWN;
    await tick(minute(2), [G]);
    await tick(minute(4), [G]);
    await evictDurableObject(breaker("alpaca"));
    const samples = await history("alpaca");
    expect(samples.map(({ at, calls, failures }) => [at, calls, failures])).toEqual([
      [toIso(minute(1)), 1, 0],
      [toIso(minute(2)), 1, 1],
      [toIso(minute(4)), 1, 1],
    ]);
    expect(samples[2]?.h).toBeLessThan(samples[0]?.h ?? 0);
    expect(await history("finnhub")).toEqual([]);
  });

  it("is the last sixty samples of a capability", async () => {
    const outcome = {
      atMs: minute(0),
      ok: true,
      limited: false,
      durationMs: 10,
      asked: 1,
      answered: 1,
    };
    const report = { outcomes: [outcome], unspentCredits: 0, rate: null, entitlement: null };
    for (let index = 0; index < MAX_HEALTH_SAMPLES + 5; index += 1) {
      stepMarketClock(minute(index));
      await breaker("alpaca").report("bars_1m", report);
      if (index === 3) await breaker("alpaca").report("quotes_l1", report);
    }
    const samples = await history("alpaca");
    const minutes = samples.filter(({ capability }) => capability === "bars_1m");
    expect(minutes).toHaveLength(MAX_HEALTH_SAMPLES);
    expect(minutes[0]?.at).toBe(toIso(minute(5)));
    expect(samples).toHaveLength(MAX_HEALTH_SAMPLES + 1);
  });
});

describe("why a provider was not chosen", () => {
  it("is told for a minute: not needed, then its breaker was open, with the jobs that decided so", async () => {
    const groups = [AAPL_GROUP, MSFT_GROUP];
    await load(groups);
    await tick(minute(1), groups);
    alpaca.mood = DOWN;
    await tick(minute(2), groups);
    stepMarketClock(minute(3));
    await breaker("alpaca").report("bars_1m", failures(minute(3)));
    await tick(minute(3), groups);
    await evictDurableObject(breaker("polygon"));
    await evictDurableObject(breaker("alpaca"));

    const idle = await one("polygon", `?at=${toIso(minute(1) + 30_000)}`);
    expect(idle.decisions).toMatchObject([
      { minute: toIso(minute(1)), jobs: 2, asked: ["alpaca"] },
    ]);
    expect(idle.decisions[0]?.why).toBe("alpaca answered everything before its turn in the policy");

    const open = await one("alpaca", `?at=${toIso(minute(3))}`);
    expect(open.decisions).toMatchObject([
      { jobs: 2, asked: ["polygon"], why: "its breaker is open" },
    ]);
    expect(open.decisions[0]?.candidates).toMatchObject([
      { provider: "alpaca", state: "open", verdict: "open", failure: null },
      { provider: "polygon", state: "closed", verdict: "called", failure: null },
    ]);
    const failed = await one("alpaca", `?at=${toIso(minute(2))}`);
    expect(failed.decisions[0]?.why).toContain("it failed: unavailable");
  });

  it("is kept of the last decisions, newest first, and bounded", async () => {
    const decision = (index: number): Decision => ({
      atMs: minute(index),
      capability: "bars_1m",
      candidates: [{ provider: "alpaca", state: "closed", h: 1, verdict: "called", failure: null }],
    });
    await runInDurableObject(breaker("alpaca"), async (object: ProviderBreaker) => {
      for (let index = 0; index < MAX_DECISIONS + 20; index += 1)
        await object.recordDecision(decision(index));
    });
    const { decisions } = await one("alpaca", "?decisions=3");
    expect(decisions.map(({ minute: at }) => at)).toEqual(
      [19, 18, 17].map((index) => toIso(minute(MAX_DECISIONS + index))),
    );
    const kept = await runInDurableObject(
      breaker("alpaca"),
      async (_object, state) =>
        state.storage.sql.exec("SELECT count(*) AS rows FROM decision").one()["rows"],
    );
    expect(kept).toBe(MAX_DECISIONS);
  });

  it("does not hinder the data when it cannot be recorded", async () => {
    vi.spyOn(ProviderBreaker.prototype, "recordDecision").mockRejectedValue(
      new Error("overloaded"),
    );
    await load([G]);
    await tick(minute(1), [G]);
    expect(postgres.rows(G)).toHaveLength(2);
  });
});

describe("an isolated provider", () => {
  const providersOf = (number: number) => new Set(postgres.rows(number).map((row) => row.provider));

  it("is never asked until it is released, over evictions of both objects", async () => {
    await load([G]);
    const isolated = await act("alpaca", "isolate", '{"reason":"bad prints"}');
    expect([isolated.status, await isolated.json()]).toMatchObject([
      200,
      { provider: "alpaca", isolated: { reason: "bad prints" }, confirmed: true },
    ]);
    await evictDurableObject(breaker("alpaca"));
    await evictDurableObject(store());
    await tick(minute(1), [G]);
    expect(alpaca.calls).toEqual([]);
    expect(providersOf(G)).toEqual(new Set(["polygon"]));
    const shown = await one("alpaca");
    expect(shown.isolated?.reason).toBe("bad prints");
    expect(shown.decisions[0]?.why).toBe("it is isolated by an operator");
    expect(await (await api("/metrics")).text()).toMatch(
      /^provider_isolated\{provider="alpaca"\} 1$/m,
    );

    expect((await act("alpaca", "release")).status).toBe(200);
    await tick(minute(2), [G]);
    expect(alpaca.calls).toHaveLength(1);
    expect(await (await api("/metrics")).text()).toMatch(
      /^provider_isolated\{provider="alpaca"\} 0$/m,
    );
    expect((await one("alpaca")).acts).toMatchObject([
      { actor: "bootstrap", act: "release", reason: null },
      { actor: "bootstrap", act: "isolate", reason: "bad prints" },
    ]);
  });

  it("is learned within 5 s when the breaker could not be told", async () => {
    await breaker("alpaca").admission("bars_1m");
    vi.spyOn(ProviderBreaker.prototype, "learnIsolation").mockRejectedValueOnce(
      new Error("overloaded"),
    );
    const told = await (await act("alpaca", "isolate")).json();
    expect(told).toMatchObject({ confirmed: false, isolated: { reason: null } });
    aheadMs += 5_001;
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ state: "isolated" });
  });

  it("stays isolated while ConfigStore cannot be reached", async () => {
    await act("alpaca", "isolate");
    vi.spyOn(ConfigStore.prototype, "isolation").mockRejectedValue(new Error("overloaded"));
    await evictDurableObject(breaker("alpaca"));
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ state: "isolated" });
  });

  it("is known by the later of two acts, in whatever order they arrive", async () => {
    const first = await store().isolate("alpaca", "a", "test");
    const second = await store().release("alpaca", null, "test");
    await breaker("alpaca").learnIsolation(second);
    await breaker("alpaca").learnIsolation(first);
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ state: "closed" });
  });

  it("keeps its time when isolated again, and an audit that is bounded", async () => {
    const first = await store().isolate("alpaca", "one", "test");
    aheadMs += 60_000;
    const again = await store().isolate("alpaca", null, "test");
    expect(again.isolated).toEqual(first.isolated);
    await runInDurableObject(store(), async (object: ConfigStore) => {
      for (let index = 0; index < 1_010; index += 1)
        await object.isolate("polygon", `reason ${index}`, "test");
    });
    const acts = await store().isolationActs("polygon", 2_000);
    expect(acts).toHaveLength(1_000);
    expect(acts[0]?.reason).toBe("reason 1009");
    expect(await store().isolationActs("alpaca", 10)).toEqual([]);
  });

  it("is not made by a body that is not one", async () => {
    for (const body of [
      "[]",
      "{",
      '{"reason":""}',
      '{"why":"x"}',
      `{"reason":"${"x".repeat(301)}"}`,
    ]) {
      const response = await act("alpaca", "isolate", body);
      expect([response.status, await response.json()]).toMatchObject([
        422,
        { code: "invalid_body" },
      ]);
    }
    expect((await act("alpaca", "isolate", `"${"x".repeat(5_000)}"`)).status).toBe(413);
    expect((await one("alpaca")).isolated).toBeNull();
    const anonymous = await exports.default.fetch(
      new Request("https://mds.test/ops/providers/alpaca/isolate", { method: "POST" }),
    );
    expect(anonymous.status).toBe(401);
  });
});

describe("the credits of a provider", () => {
  it("are corrected by what a 429 says, and by nothing else until its reset", async () => {
    await load([G]);
    alpaca.mood = { kind: "status", status: 429 };
    await tick(minute(1), [G]);
    expect((await all()).providers[1]?.credits).toMatchObject({
      window: { left: 0, until: toIso(minute(2)) },
    });
    await evictDurableObject(breaker("alpaca"));
    expect(await breaker("alpaca").takeCredits(1, "live")).toMatchObject({ granted: 0 });
    stepMarketClock(minute(2));
    expect((await breaker("alpaca").takeCredits(1, "live")).granted).toBe(1);
  });

  it("leave a part of the bucket to those before a lane", async () => {
    let granted = 0;
    for (let ask = 0; ask < 20; ask += 1)
      granted += (await breaker("alpaca").takeCredits(1_000, "T2")).granted;
    expect(granted).toBe(4_000);
    expect((await breaker("alpaca").takeCredits(1, "T1")).granted).toBe(1);
  });
});

describe("the storage of the last release", () => {
  it("loads, and the history begins beside it", async () => {
    await runInDurableObject(breaker("alpaca"), async (_object, state) => {
      await state.storage.put("data", {
        breakers: {
          bars_1m: {
            opened: { atMs: minute(0), cooldownMs: MINUTE_MS, probes: 0, probedAtMs: 0 },
            isolated: false,
            window: [{ atMs: minute(0), ok: false, durationMs: 3, asked: 1, answered: 0 }],
          },
        },
        credits: { left: 12, atMs: minute(0) },
      });
    });
    await evictDurableObject(breaker("alpaca"));
    expect(await breaker("alpaca").admission("bars_1m")).toMatchObject({ state: "open" });
    expect((await breaker("alpaca").snapshot()).credits).toMatchObject({ left: 12, window: null });
    expect(await history("alpaca")).toEqual([]);
  });
});
