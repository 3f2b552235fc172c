import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import { CAPABILITIES, PROVIDER_IDS } from "../../../src/domain/provider-id.ts";
import { hasCapability } from "../../../src/providers/provider.ts";
import {
  callsPerMinute,
  configuredProviders,
  policyProviders,
  type ProviderSettings,
} from "../../../src/providers/registry.ts";

const none: ProviderSettings = { polygon: null, alpaca: null, finnhub: null, iex: null };
const finnhub = { baseUrl: "https://fin.example", token: "t", plan: "free" } as const;
const all: ProviderSettings = {
  polygon: { baseUrl: "https://agg.example", apiKey: "k", plan: "advanced" },
  alpaca: {
    baseUrl: "https://d.example",
    tradingUrl: "https://t.example",
    keyId: "k",
    secret: "s",
    feed: "sip",
    plan: "plus",
  },
  finnhub,
  iex: { backend: "alpaca", baseUrl: "https://d.example", keyId: "i", secret: "s" },
};

function served(providers: ProviderSettings, policies: object = {}) {
  const settings = { ...providers, config: serviceConfigSchema.parse({ policies }) };
  return Object.fromEntries(
    CAPABILITIES.map((capability) => [
      capability,
      policyProviders(settings, capability).map(({ id }) => id),
    ]),
  );
}

describe("the registry", () => {
  it("has the verb of every capability that a provider names", () => {
    const providers = configuredProviders(all);
    expect(providers.map(({ id }) => id)).toEqual(["polygon", "alpaca", "finnhub", "iex"]);
    for (const provider of providers) {
      for (const capability of provider.capabilities) {
        expect(hasCapability(provider, capability)).toBe(true);
      }
    }
  });

  it("serves a policy by those that have a key, and whose plan has it, in policy order", () => {
    expect(served(all)).toEqual({
      bars_1m: ["polygon", "alpaca"],
      bars_1d: ["polygon", "alpaca"],
      quotes_l1: ["polygon", "iex"],
    });
    expect(served({ ...none, finnhub }, { quotes_l1: ["polygon", "finnhub"] })).toEqual({
      bars_1m: [],
      bars_1d: [],
      quotes_l1: ["finnhub"],
    });
    expect(served(none)).toEqual({ bars_1m: [], bars_1d: [], quotes_l1: [] });
  });

  it("knows the rate of each plan, and none without a key", () => {
    expect(PROVIDER_IDS.map((id) => callsPerMinute(id, all))).toEqual([6_000, 10_000, 60, 200]);
    expect(PROVIDER_IDS.map((id) => callsPerMinute(id, none))).toEqual([0, 0, 0, 0]);
  });
});
