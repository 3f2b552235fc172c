import { describe, expect, it } from "vitest";
import { ProviderError } from "../../../src/providers/provider-error.ts";
import { entitlementOf } from "../../../src/routing/entitlement.ts";

const calls = (...codes: ("ok" | "timeout" | "not_entitled" | "unauthorized")[]) =>
  codes.map((code) => ({ code }));

describe("what an answer shows of a key's rights", () => {
  it("is a refusal with the provider's words, also beside calls that went well", () => {
    const refusal = new ProviderError("not_entitled", "answered 403: subscription");
    expect(entitlementOf(calls("ok", "not_entitled"), refusal, 5)).toEqual({
      state: "not_entitled",
      message: "answered 403: subscription",
      atMs: 5,
    });
    expect(entitlementOf(calls("unauthorized"), refusal, 5)).toMatchObject({
      state: "unauthorized",
      message: null,
    });
  });

  it("is granted when calls went well, also where the adapter left out what the plan can't", () => {
    const unserved = new ProviderError("not_entitled", "the plan serves minutes from 960000 ms");
    expect(entitlementOf(calls("ok", "timeout"), unserved, 5)?.state).toBe("granted");
  });

  it("is nothing when no call says anything", () => {
    expect(entitlementOf(calls("timeout"), null, 5)).toBeNull();
    expect(entitlementOf([], new ProviderError("not_entitled", "the plan"), 5)).toBeNull();
  });
});
