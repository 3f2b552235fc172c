import { describe, expect, it } from "vitest";
import { PROVIDER_IDS } from "../../../src/domain/provider-id.ts";
import { accountMark, creditOwner, hostMates } from "../../../src/providers/account.ts";
import { callsPerMinute, type ProviderSettings } from "../../../src/providers/registry.ts";

const alpaca = {
  baseUrl: "https://data.example",
  tradingUrl: "https://trade.example",
  keyId: "k",
  secret: "s",
  feed: "sip",
  plan: "plus",
} as const;
const iex = {
  backend: "alpaca",
  baseUrl: "https://data.example/",
  keyId: "k",
  secret: "s",
} as const;
const none: ProviderSettings = { polygon: null, alpaca: null, finnhub: null, iex: null };
const owners = (settings: ProviderSettings) => PROVIDER_IDS.map((id) => creditOwner(id, settings));

describe("the account of a provider", () => {
  it("is shared with who has the same host and key: the first keeps the credits of both", () => {
    const shared = { ...none, alpaca, iex };
    expect(owners(shared)).toEqual(["polygon", "alpaca", "finnhub", "alpaca"]);
    expect(hostMates("alpaca", shared)).toEqual(["iex"]);
    expect(hostMates("iex", shared)).toEqual(["alpaca"]);
    expect(callsPerMinute("iex", shared)).toBe(10_000);
  });

  it.each([
    ["another key", { ...none, alpaca, iex: { ...iex, keyId: "other" } }],
    ["another host", { ...none, alpaca, iex: { ...iex, baseUrl: "https://iex.example" } }],
    ["no key", { ...none, iex }],
  ])("is its own with %s", (_name, settings) => {
    expect(owners(settings)).toEqual(PROVIDER_IDS);
    expect(hostMates("iex", settings)).toEqual([]);
    expect(callsPerMinute("iex", settings)).toBe(200);
  });

  it("has another mark when its key, its host, its plan or its feed is another", () => {
    const marks = [
      { ...none, alpaca },
      { ...none, alpaca: { ...alpaca, keyId: "other" } },
      { ...none, alpaca: { ...alpaca, baseUrl: "https://other.example" } },
      { ...none, alpaca: { ...alpaca, plan: "basic" } as const },
      { ...none, alpaca: { ...alpaca, feed: "iex" } as const },
    ].map((settings) => accountMark("alpaca", settings));
    expect(new Set(marks).size).toBe(5);
    expect(accountMark("alpaca", { ...none, alpaca })).toBe(marks[0]);
  });
});
