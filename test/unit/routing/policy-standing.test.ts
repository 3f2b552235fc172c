import { describe, expect, it } from "vitest";
import { readSettings, type Settings } from "../../../src/env.ts";
import { findingWarnings, type KeyFindings } from "../../../src/routing/key-finding.ts";
import { policyStandings, standingWarnings } from "../../../src/routing/policy-standing.ts";
import { planFacts, symbolsPerMinute } from "../../../src/routing/provider-facts.ts";
import { BOUND } from "../../support/bindings.ts";

function settingsOf(variables: Record<string, string>): Settings {
  const read = readSettings({
    ...BOUND,
    ENVIRONMENT: "development",
    SYMBOL_GROUPS: "32",
    DATABASE_URL: "postgres://u:p@db.test/x",
    BOOTSTRAP_KEY: "test-bootstrap-key-0123456789",
    ...variables,
  });
  if (!read.ok) throw new Error(read.faults.join("; "));
  return read.settings;
}
const ALPACA = { ALPACA_KEY_ID: "id", ALPACA_SECRET_KEY: "secret" };
const minuteBars = (settings: Settings) =>
  policyStandings(settings).find(({ capability }) => capability === "bars_1m");

describe("the policies", () => {
  it("without any key are all unserved, with the reason of each provider", () => {
    const standings = policyStandings(settingsOf({}));
    expect(standings).toHaveLength(3);
    for (const { servedBy, delayMs } of standings)
      expect([servedBy, delayMs]).toEqual([null, null]);
    expect(standings[1]?.unservedReason).toBe(
      "polygon: no key is configured; alpaca: no key is configured",
    );
  });

  it("are served by the first that can, as late as its plan is", () => {
    expect(minuteBars(settingsOf(ALPACA))).toMatchObject({
      servedBy: "alpaca",
      delayMs: 960_000,
      unservedReason: null,
      places: [
        { provider: "polygon", place: 1, reason: "no key is configured" },
        { provider: "alpaca", place: 2, reason: null, delayMs: 960_000, isLive: true },
        { provider: "finnhub", place: 3, reason: "no key is configured" },
      ],
    });
    // Who serves the minutes of today late goes before who serves none of them.
    expect(minuteBars(settingsOf({ ...ALPACA, POLYGON_API_KEY: "key" }))).toMatchObject({
      servedBy: "alpaca",
      delayMs: 960_000,
    });
    expect(minuteBars(settingsOf({ POLYGON_API_KEY: "key" }))).toMatchObject({
      servedBy: "polygon",
      delayMs: "end_of_day",
    });
  });

  it("say so when the plan of a configured provider does not serve them", () => {
    const finnhub = { baseUrl: "https://finnhub.test", token: "key", plan: "free" } as const;
    const settings = settingsOf({ POLICY_BARS_1M: '["finnhub"]' });
    expect(policyStandings({ ...settings, finnhub })[0]).toMatchObject({
      servedBy: null,
      unservedReason: "finnhub: its plan does not serve bars_1m",
    });
    expect(policyStandings({ ...settings, finnhub: { ...finnhub, plan: "premium" } })[0]).toEqual({
      capability: "bars_1m",
      places: [{ provider: "finnhub", place: 1, reason: null, delayMs: 0, isLive: true }],
      servedBy: "finnhub",
      delayMs: 0,
      unservedReason: null,
    });
    expect(symbolsPerMinute("finnhub", "bars_1m", { ...settings, finnhub })).toBe(60);
  });
});

describe("what a key has shown", () => {
  const settings = settingsOf({ ...ALPACA, ALPACA_PLAN: "plus", POLYGON_API_KEY: "key" });
  const correction = { delayMs: 960_000, message: "answered 403: sip", atMs: 1, account: 7 };
  const findings: KeyFindings = new Map([
    ["polygon", { correction: null, refused: { bars_1d: "answered 403: plan" } }],
    ["alpaca", { correction, refused: {} }],
  ]);

  it("goes before what is configured, in delay and in who serves", () => {
    const [minutes, daily] = policyStandings(settings, findings);
    expect(minutes).toMatchObject({ servedBy: "alpaca", delayMs: 960_000 });
    expect(daily).toMatchObject({ servedBy: "alpaca", unservedReason: null });
    expect(daily?.places[0]).toMatchObject({
      provider: "polygon",
      reason: "its key was refused: answered 403: plan",
    });
  });

  it("is said to operators, as is what is late or not served", () => {
    expect(findingWarnings(findings)).toEqual([
      "polygon: its key was refused for bars_1d: answered 403: plan",
      "alpaca: its key is later than the configured plan: minutes come 960 s late (answered 403: sip)",
    ]);
    expect(standingWarnings(policyStandings(settings, findings))).toEqual([
      "policy bars_1m is served late by alpaca: minutes come 960 s late",
    ]);
    expect(standingWarnings(policyStandings(settings))).toEqual([]);
    const polygon = policyStandings(settingsOf({ POLYGON_API_KEY: "key" }));
    expect(standingWarnings(polygon)).toEqual([
      "policy bars_1m is served late by polygon: minutes come on the next trading date",
      "policy quotes_l1 is unserved: polygon: its plan does not serve quotes_l1; iex: no key is configured",
    ]);
  });
});

describe("what the credits of a plan carry", () => {
  it.each([
    ["basic", 5],
    ["advanced", 6_000],
  ])("is a symbol a call for minutes of polygon %s", (plan, symbols) => {
    const settings = settingsOf({ POLYGON_API_KEY: "key", POLYGON_PLAN: plan });
    expect(symbolsPerMinute("polygon", "bars_1m", settings)).toBe(symbols);
    expect(symbolsPerMinute("polygon", "bars_1d", settings)).toBe("all");
    expect(planFacts("polygon", settings)?.plan).toBe(plan);
  });

  it("is 200 symbols a call at alpaca, and nothing without a key or the capability", () => {
    const settings = settingsOf(ALPACA);
    expect(symbolsPerMinute("alpaca", "bars_1m", settings)).toBe(40_000);
    expect(symbolsPerMinute("polygon", "bars_1m", settings)).toBeNull();
    expect(symbolsPerMinute("finnhub", "bars_1d", settings)).toBeNull();
    expect(planFacts("polygon", settings)).toBeNull();
  });
});
