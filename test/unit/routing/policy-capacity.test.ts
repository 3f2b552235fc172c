import { describe, expect, it } from "vitest";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import type { ProviderSettings } from "../../../src/providers/registry.ts";
import {
  carriesAll,
  minutesBeyondCredits,
  policyCapacities,
  shortageText,
} from "../../../src/routing/policy-capacity.ts";

const SIZES = { T0: 500, T1: 2_500, T2: 9_721 };
const none: ProviderSettings = { polygon: null, alpaca: null, finnhub: null, iex: null };
const polygon = { baseUrl: "https://agg.example", apiKey: "k", plan: "basic" } as const;
const alpaca = {
  baseUrl: "https://d.example",
  tradingUrl: "https://t.example",
  keyId: "k",
  secret: "s",
  feed: "sip",
  plan: "basic",
} as const;
const finnhub = { baseUrl: "https://fin.example", token: "t", plan: "premium" } as const;
const iex = { backend: "alpaca", baseUrl: "https://d.example", keyId: "k", secret: "s" } as const;

const settingsOf = (providers: Partial<ProviderSettings>) => ({
  ...none,
  ...providers,
  symbolGroups: 32,
  config: serviceConfigSchema.parse({}),
});
const short = (providers: Partial<ProviderSettings>) =>
  policyCapacities(settingsOf(providers), SIZES)
    .filter((each) => !carriesAll(each))
    .map(shortageText);

describe("what the providers of the policies carry at the tier sizes", () => {
  it("is everything with an Alpaca free key: minutes, daily bars, and IEX's quotes on the same key", () => {
    const capacities = policyCapacities(settingsOf({ alpaca, iex }), SIZES);
    expect(
      capacities.map(({ capability, provider, isFirst }) => [capability, provider, isFirst]),
    ).toEqual([
      ["bars_1m", "alpaca", true],
      ["bars_1d", "alpaca", true],
      ["quotes_l1", "iex", true],
    ]);
    expect(capacities.map(({ reach }) => Math.ceil(reach.neededCallsPerMinute))).toEqual([
      32, 2, 12,
    ]);
    expect(short({ alpaca, iex })).toEqual([]);
  });

  it("is told with the numbers when the provider that a policy depends on is short", () => {
    expect(short({ finnhub })).toEqual([
      "policy bars_1m: finnhub has 60 calls a minute of the 3000 needed: it carries 60 of 3000 symbols (beyond: 440 of T0, 2500 of T1)",
    ]);
  });

  it("is told apart of one that only stands in", () => {
    expect(short({ alpaca, finnhub })).toEqual([
      "policy bars_1m: finnhub, which stands in, has 60 calls a minute of the 3000 needed: it carries 60 of 3000 symbols (beyond: 440 of T0, 2500 of T1)",
    ]);
  });

  it("leaves out who serves no minute of today", () => {
    expect(
      policyCapacities(settingsOf({ polygon }), SIZES).map(({ capability }) => capability),
    ).toEqual(["bars_1d"]);
    expect(minutesBeyondCredits(settingsOf({ polygon }), SIZES)).toBeNull();
  });

  it("leaves out beyond its credits what the gauge shows", () => {
    expect(minutesBeyondCredits(settingsOf({ alpaca }), SIZES)).toEqual({ T0: 0, T1: 0, T2: 0 });
    const starter = { ...polygon, plan: "starter" } as const;
    expect(minutesBeyondCredits(settingsOf({ polygon: starter }), { ...SIZES, T1: 7_000 })).toEqual(
      {
        T0: 0,
        T1: 1_500,
        T2: 0,
      },
    );
    expect(minutesBeyondCredits(settingsOf({}), SIZES)).toBeNull();
  });
});
