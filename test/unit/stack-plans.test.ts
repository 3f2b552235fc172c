import { describe, expect, it } from "vitest";
import { parseStackPlan, stackPlan, stackPlans } from "../../dev/stack/plans.ts";

const KEYS = {
  alpacaKeyId: "a",
  alpacaSecret: "b",
  polygonApiKey: "c",
  finnhubToken: "d",
  iexKeyId: "e",
  iexSecret: "f",
};

describe("the deployments that a stack can be", () => {
  it("are known by name, and another name is answered with all of them", () => {
    expect(stackPlans().map(parseStackPlan)).toEqual(stackPlans());
    expect(() => parseStackPlan("gold")).toThrow(/paid, alpaca-free.*none/);
  });

  it("have exactly the keys that their names say", () => {
    const keysOf = (plan: ReturnType<typeof parseStackPlan>) =>
      Object.entries(stackPlan(plan).variables(KEYS, "http://127.0.0.1:1"))
        .filter(([, value]) => Object.values(KEYS).includes(value))
        .map(([name]) => name);
    expect(Object.fromEntries(stackPlans().map((plan) => [plan, keysOf(plan)]))).toEqual({
      paid: [
        "ALPACA_KEY_ID",
        "ALPACA_SECRET_KEY",
        "POLYGON_API_KEY",
        "FINNHUB_TOKEN",
        "IEX_KEY_ID",
        "IEX_SECRET",
      ],
      "alpaca-free": ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY"],
      "alpaca-free-iex": ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY"],
      "polygon-free": ["POLYGON_API_KEY"],
      "finnhub-free": ["FINNHUB_TOKEN"],
      none: [],
    });
  });
});
