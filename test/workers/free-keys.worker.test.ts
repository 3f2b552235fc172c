import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type * as EnvModule from "../../src/env.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  load,
  minute,
  polygon,
  postgres,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;

/** The providers' variables of the deployment under test, in place of those of this runtime. */
const deployment: { variables: Readonly<Record<string, string>> } = vi.hoisted(() => ({
  variables: {},
}));

vi.mock("../../src/env.ts", async (importOriginal) => {
  const original = await importOriginal<typeof EnvModule>();
  const made = new WeakMap<object, { variables: object; env: object }>();
  return {
    ...original,
    readSettings: (env: object) => {
      const known = made.get(env);
      if (known?.variables === deployment.variables) return original.readSettings(known.env);
      const others = Object.entries(env).filter(
        ([name]) => !/^(POLYGON|ALPACA|FINNHUB|IEX|POLICY)_/.test(name),
      );
      const own = { ...Object.fromEntries(others), ...deployment.variables };
      made.set(env, { variables: deployment.variables, env: own });
      return original.readSettings(own);
    },
  };
});

useWorld();

const ALPACA = {
  ALPACA_KEY_ID: "id",
  ALPACA_SECRET_KEY: "secret",
  ALPACA_BASE_URL: "http://alpaca.test",
};
const POLYGON = { POLYGON_API_KEY: "key", POLYGON_BASE_URL: "http://polygon.test" };

const readySchema = z.object({ ready: z.boolean(), warnings: z.array(z.string()) });
const providersSchema = z.object({
  providers: z.array(
    z.object({
      name: z.string(),
      configured: z.boolean(),
      plan: z.string().nullable(),
      delay_s: z.unknown(),
      credits: z.object({ per_minute: z.number(), kept_by: z.string() }).nullable(),
    }),
  ),
  policies: z.array(
    z.object({
      capability: z.string(),
      served_by: z.string().nullable(),
      delay_s: z.unknown(),
      unserved_reason: z.string().nullable(),
    }),
  ),
});

/** Starts with these variables; what readiness warns of, who serves what, and who is configured. */
async function started(variables: Readonly<Record<string, string>>) {
  deployment.variables = variables;
  alpaca.at = () => 100;
  polygon.at = () => 200;
  await load([G]);
  // Readiness is worked out every 10 s of the wall.
  const wall = Date.now.bind(Date);
  aheadMs += 120_000;
  vi.spyOn(Date, "now").mockImplementation(() => wall() + aheadMs);
  const response = await api("/health/ready");
  const { ready, warnings } = readySchema.parse(await response.json());
  expect([response.status, ready]).toEqual([200, true]);
  const { providers, policies } = providersSchema.parse(await (await api("/providers")).json());
  return {
    warnings,
    configured: providers.filter(({ configured }) => configured).map(({ name }) => name),
    providers,
    served: Object.fromEntries(
      policies.map(({ capability, served_by: by, delay_s: delay }) => [capability, [by, delay]]),
    ),
  };
}
let aheadMs = 0;

describe("a deployment without any key", () => {
  it("starts, is ready, asks nobody, and says of each policy why it is not served", async () => {
    const { warnings, configured, served } = await started({});
    expect(configured).toEqual([]);
    expect(served).toEqual({
      bars_1m: [null, null],
      bars_1d: [null, null],
      quotes_l1: [null, null],
    });
    expect(warnings).toEqual([
      "policy bars_1m is unserved: polygon: no key is configured; alpaca: no key is configured; finnhub: no key is configured",
      "policy bars_1d is unserved: polygon: no key is configured; alpaca: no key is configured",
      "policy quotes_l1 is unserved: polygon: no key is configured; iex: no key is configured",
    ]);
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    expect([alpaca.calls, polygon.calls, postgres.rows(G)]).toEqual([[], [], []]);
    expect((await api("/v1/bars?symbols=AAPL")).status).toBe(200);
    expect(await (await api("/metrics")).text()).not.toContain("symbols_beyond_credits{");
  });
});

describe("one free Alpaca key", () => {
  it("serves sip 16 minutes late, daily bars, and IEX's quotes on the same credits", async () => {
    const { warnings, served, providers } = await started(ALPACA);
    expect(served).toEqual({
      bars_1m: ["alpaca", 960],
      bars_1d: ["alpaca", 960],
      quotes_l1: ["iex", 0],
    });
    expect(warnings).toEqual(["policy bars_1m is served late by alpaca: minutes come 960 s late"]);
    for (const name of ["alpaca", "iex"]) {
      expect(providers.find((provider) => provider.name === name)?.credits).toEqual({
        per_minute: 200,
        kept_by: "alpaca",
      });
    }
    const asked: number[] = [];
    alpaca.refuse = ({ endMs }) => {
      asked.push(endMs);
      return null;
    };
    for (let index = 1; index <= 20; index += 1) await tick(minute(index), [G]);
    // Nothing of the last 16 minutes was asked, and what came before them is there.
    expect(Math.max(...asked)).toBeLessThan(minute(20) + 60_000 - 16 * MINUTE_MS);
    expect(postgres.rows(G)).toContainEqual(
      expect.objectContaining({ symbol: "AAPL", ts: minute(2), provider: "alpaca" }),
    );
    expect(await (await api("/metrics")).text()).toContain('symbols_beyond_credits{tier="T0"} 0');
  });

  it("serves live minutes of one venue with ALPACA_FEED=iex", async () => {
    const { warnings, served } = await started({ ...ALPACA, ALPACA_FEED: "iex" });
    expect([served["bars_1m"], warnings]).toEqual([["alpaca", 0], []]);
    await tick(minute(1), [G]);
    expect(postgres.rows(G)).toContainEqual(
      expect.objectContaining({ symbol: "AAPL", ts: minute(0), provider: "alpaca" }),
    );
  });
});

describe("one free Polygon key", () => {
  it("serves daily bars and yesterday's minutes: nothing of today is asked", async () => {
    const { warnings, served, configured } = await started(POLYGON);
    expect(configured).toEqual(["polygon"]);
    expect(served).toEqual({
      bars_1m: ["polygon", "end_of_day"],
      bars_1d: ["polygon", "end_of_day"],
      quotes_l1: [null, null],
    });
    expect(warnings).toEqual([
      "policy bars_1m is served late by polygon: minutes come on the next trading date",
      "policy quotes_l1 is unserved: polygon: its plan does not serve quotes_l1; iex: no key is configured",
    ]);
    for (const index of [1, 2, 3]) await tick(minute(index), [G]);
    expect(polygon.calls).toEqual([]);
  });
});

describe("one free Finnhub key", () => {
  const FINNHUB = { FINNHUB_TOKEN: "token", FINNHUB_BASE_URL: "http://finnhub.test/api/v1" };

  it("serves no bars, says so, and says that it could serve quotes were it in the policy", async () => {
    const { warnings, served, providers } = await started(FINNHUB);
    expect(providers[2]).toMatchObject({ configured: true, plan: "free", delay_s: 0 });
    expect(served["bars_1m"]).toEqual([null, null]);
    expect(warnings).toEqual([
      "policy bars_1m is unserved: polygon: no key is configured; alpaca: no key is configured; finnhub: its plan does not serve bars_1m",
      "policy bars_1d is unserved: polygon: no key is configured; alpaca: no key is configured",
      "policy quotes_l1 is unserved: polygon: no key is configured; iex: no key is configured; finnhub: it could serve it, but is not in the policy",
    ]);
    await tick(minute(1), [G]);
    expect(postgres.rows(G)).toEqual([]);
  });

  it("serves last prices when the policy names it", async () => {
    const { served } = await started({
      ...FINNHUB,
      POLICY_QUOTES_L1: '["polygon","iex","finnhub"]',
    });
    expect(served["quotes_l1"]).toEqual(["finnhub", 0]);
  });
});
