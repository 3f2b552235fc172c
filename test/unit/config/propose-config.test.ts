import { describe, expect, it } from "vitest";
import type { CheckedWorld, ConfigCheck } from "../../../src/config/check-config.ts";
import { proposeConfig } from "../../../src/config/propose-config.ts";
import { serviceConfigSchema } from "../../../src/contracts/config.ts";
import { readSettings, type Settings } from "../../../src/env.ts";
import { BOUND } from "../../support/bindings.ts";

const WORLD: CheckedWorld = { sizes: { T0: 500, T1: 2_500, T2: 5_000 }, findings: new Map() };
const DEFAULTS = serviceConfigSchema.parse({});

/** A deployment with these keys and variables. */
function deployment(variables: Readonly<Record<string, string>>): Settings {
  const read = readSettings({
    ...BOUND,
    ENVIRONMENT: "development",
    SYMBOL_GROUPS: "32",
    DATABASE_URL: "postgresql://user:word@db.example/market",
    BOOTSTRAP_KEY: "a-bootstrap-key-of-thirty-chars",
    ...variables,
  });
  if (!read.ok) throw new Error(read.faults.join("; "));
  return read.settings;
}
const ALPACA = { ALPACA_KEY_ID: "k", ALPACA_SECRET_KEY: "s", ALPACA_PLAN: "plus" };
const POLYGON = { POLYGON_API_KEY: "k", POLYGON_PLAN: "advanced" };
const BOTH = deployment({ ...ALPACA, ...POLYGON });

/** What became of a configuration that was asked for. */
function ask(given: unknown, current = BOTH, world = WORLD) {
  return proposeConfig(given, DEFAULTS, current, world);
}
function faultsIn(given: unknown, current = BOTH, world = WORLD) {
  const proposed = ask(given, current, world);
  return proposed.ok ? [] : proposed.faults.map(({ path, message }) => [path, message]);
}
function checkOf(checks: readonly ConfigCheck[], check: ConfigCheck["check"], path: string) {
  return checks.find((one) => one.check === check && one.path === path);
}

describe("a configuration that is asked for", () => {
  it("is completed from the deployment's, and says what it would change", () => {
    const proposed = ask({ breaker: { demote: 0.4 }, cold_start_sessions: { "1m": 2 } });
    expect(proposed).toMatchObject({
      ok: true,
      config: { breaker: { demote: 0.4, promote: 0.7 } },
    });
    expect(proposed.ok ? proposed.changes : []).toEqual([
      { path: "$.breaker.demote", before: 0.55, after: 0.4 },
      { path: "$.cold_start_sessions['1m']", before: 5, after: 2 },
    ]);
  });

  it("takes what it leaves out from the variables, not from what is active", () => {
    const current = { ...BOTH, config: serviceConfigSchema.parse({ timeout_ms: 900 }) };
    const proposed = ask({ latency_cap_ms: 400 }, current);
    expect(proposed.ok ? proposed.changes.map(({ path }) => path) : []).toEqual([
      "$.latency_cap_ms",
      "$.timeout_ms",
    ]);
  });

  it("is refused with every fault by its path", () => {
    const given = {
      breaker: { demote: 0.8 },
      policies: { bars_1m: [], bars_1d: ["nobody"], quotes_l1: ["iex", "iex"] },
      calendar_overrides: [{ date: "2026-13-01", closed: true }],
      retention_days: { bars: 1, quotas: 3 },
      "odd name": 1,
      sessions: "regular",
    };
    expect(faultsIn(given).map(([path]) => path)).toEqual(
      expect.arrayContaining([
        "$.breaker.demote",
        "$.policies.bars_1m",
        "$.policies.bars_1d[0]",
        "$.policies.quotes_l1",
        "$.calendar_overrides[0]",
        "$.retention_days.bars",
        "$.retention_days.quotas",
        "$['odd name']",
        "$.sessions",
      ]),
    );
  });

  it.each([[null], [[]], ["text"], [undefined]])("is no %j", (given) => {
    expect(faultsIn(given).map(([path]) => path)).toEqual(["$"]);
  });

  it.each([
    [{ demote: -0.1 }, "$.breaker.demote"],
    [{ promote: 1.1 }, "$.breaker.promote"],
    [{ demote: 0.7, promote: 0.7 }, "$.breaker.demote"],
  ])("has thresholds 0 <= demote < promote <= 1: not %j", (breaker, path) => {
    expect(faultsIn({ breaker }).map(([at]) => at)).toEqual([path]);
    const right = ask({ breaker: { demote: 0, promote: 1 } });
    expect(right.ok && checkOf(right.checks, "breaker_thresholds", "$.breaker")).toMatchObject({
      verdict: "ok",
      numbers: { demote: 0, promote: 1 },
    });
  });
});

describe("the service as it is", () => {
  it("keeps a policy that is served from becoming unserved, and minds none that is not", () => {
    expect(faultsIn({ policies: { bars_1m: ["finnhub"] } })).toEqual([
      ["$.policies.bars_1m", expect.stringContaining("becomes unserved: finnhub: no key")],
    ]);
    const nobody = deployment({});
    const proposed = ask({ policies: { bars_1m: ["finnhub"] } }, nobody);
    expect(proposed.ok && checkOf(proposed.checks, "served", "$.policies.bars_1m")).toMatchObject({
      verdict: "warning",
      numbers: { served_by_now: null, served_by_then: null },
    });
  });

  it("is not left to a first provider that carries less than is carried now, with the numbers", () => {
    const three = deployment({ ...ALPACA, FINNHUB_TOKEN: "t", FINNHUB_PLAN: "premium" });
    expect(faultsIn({ policies: { bars_1m: ["finnhub", "alpaca"] } }, three)).toEqual([
      [
        "$.policies.bars_1m",
        expect.stringMatching(
          /finnhub has \d+ calls a minute of the \d+ needed: it carries \d+ of 3000 symbols/,
        ),
      ],
    ]);
    // One that stands in may carry less: that is said.
    const behind = ask({ policies: { bars_1m: ["alpaca", "finnhub"] } }, three);
    expect(behind.ok).toBe(true);
    const checks = behind.checks.filter(({ check }) => check === "capacity");
    expect(checks.filter(({ path }) => path === "$.policies.bars_1m")).toMatchObject([
      { verdict: "ok", numbers: { provider: "alpaca", symbols_beyond: 0 } },
      { verdict: "warning", numbers: { provider: "finnhub", calls_per_minute: 60 } },
    ]);
  });

  it("may stay as short as it is: that is a warning", () => {
    const free = deployment({ ALPACA_KEY_ID: "k", ALPACA_SECRET_KEY: "s" });
    const current = { ...free, config: serviceConfigSchema.parse({}) };
    const huge = { ...WORLD, sizes: { T0: 1_000, T1: 60_000, T2: 0 } };
    const proposed = ask({ latency_cap_ms: 400 }, current, huge);
    expect(proposed.ok).toBe(true);
    expect(checkOf(proposed.checks, "capacity", "$.policies.bars_1m")?.verdict).toBe("warning");
    // Larger tiers would be carried even less.
    expect(faultsIn({ tiers: { size: { T1: 10_000 } } }, current, huge)).toEqual([]);
    expect(faultsIn({ quote_every_s: 5 }, current, huge).length).toBeLessThanOrEqual(1);
  });
});
