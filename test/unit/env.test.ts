import { describe, expect, it, vi } from "vitest";
import { calendarOf, readSettings } from "../../src/env.ts";
import { BINDINGS, BOUND } from "../support/bindings.ts";

const REQUIRED = ["ENVIRONMENT", "SYMBOL_GROUPS", "DATABASE_URL", "BOOTSTRAP_KEY"];
const GOOD = {
  ...BOUND,
  ENVIRONMENT: "development",
  SYMBOL_GROUPS: "32",
  DATABASE_URL: "postgresql://user:word@db.example/market",
  BOOTSTRAP_KEY: "a-bootstrap-key-of-thirty-chars",
};

function settingsOf(env: object) {
  const result = readSettings(env);
  if (!result.ok) throw new Error(result.faults.join("; "));
  return result.settings;
}

function faultsOf(env: object): string {
  const result = readSettings(env);
  return result.ok ? "" : result.faults.join("\n");
}

/** Two letters for a small number. */
const letters = (value: number) =>
  String.fromCharCode(65 + Math.floor(value / 26)) + String.fromCharCode(65 + (value % 26));

describe("the settings of a deployment", () => {
  it("are read from the least that it needs, no provider configured", () => {
    expect(settingsOf(GOOD)).toMatchObject({
      symbolGroups: 32,
      polygon: null,
      alpaca: null,
      sqlEndpoint: null,
    });
  });

  it("name every binding and variable that is missing, all at once", () => {
    const faults = faultsOf({});
    for (const name of BINDINGS) expect(faults).toContain(`binding ${name} is missing`);
    for (const name of REQUIRED) expect(faults).toContain(`variable ${name} is missing`);
  });

  // A fault of the config stands at its path, all others at the variable's name.
  it.each([
    ["ENVIRONMENT", "prod-SECRET", "ENVIRONMENT"],
    ["SYMBOL_GROUPS", "SECRET", "SYMBOL_GROUPS"],
    ["SYMBOL_GROUPS", "0", "SYMBOL_GROUPS"],
    ["SYMBOL_GROUPS", "1.5", "SYMBOL_GROUPS"],
    ["DATABASE_URL", "mysql://user:SECRET@db", "DATABASE_URL"],
    ["DATABASE_SQL_ENDPOINT", "ftp://SECRET", "DATABASE_SQL_ENDPOINT"],
    ["BOOTSTRAP_KEY", "SECRET", "BOOTSTRAP_KEY"],
    ["POLICY_BARS_1M", '["SECRET"', "POLICY_BARS_1M"],
    ["POLICY_BARS_1M", '["SECRET"]', "policies.bars_1m"],
    ["POLICY_BARS_1D", "[]", "policies.bars_1d"],
    ["POLICY_QUOTES_L1", '["iex","iex"]', "policies.quotes_l1"],
    ["BREAKER_DEMOTE_THRESHOLD", "SECRET", "BREAKER_DEMOTE_THRESHOLD"],
    ["BREAKER_DEMOTE_THRESHOLD", "0.8", "breaker.demote"],
    ["BREAKER_PROMOTE_THRESHOLD", "1.2", "breaker.promote"],
    ["RECENT_LATENCY_CAP_MS", "0", "latency_cap_ms"],
    ["SESSIONS", '["SECRET"]', "config sessions.0"],
    ["CALENDAR_OVERRIDES", '["SECRET"', "CALENDAR_OVERRIDES"],
    ["CALENDAR_OVERRIDES", '[{"date":"2026-11-28","closed":true}]', "calendar_overrides.0"],
    ["COLD_START_SESSIONS_1M", "6", "cold_start_sessions.1m"],
    ["RETENTION_DAYS_BARS", "29", "retention_days.bars"],
    ["RETENTION_DAYS_BARS", "30.5", "retention_days.bars"],
    ["RETENTION_DAYS_BARS", "SECRET", "RETENTION_DAYS_BARS"],
    ["RETENTION_DAYS_QUOTES", "0", "retention_days.quotes"],
    ["POLYGON_PLAN", "SECRET", "POLYGON_PLAN"],
    ["POLYGON_API_KEY", "", "POLYGON_API_KEY"],
    ["POLYGON_BASE_URL", "SECRET", "POLYGON_BASE_URL"],
    ["ALPACA_PLAN", "SECRET", "ALPACA_PLAN"],
    ["ALPACA_FEED", "SECRET", "ALPACA_FEED"],
    ["RLC_URL", "SECRET", "RLC_URL"],
    ["RLC_URL", "ftp://SECRET.test", "RLC_URL"],
    ["RLC_TOKEN", "", "RLC_TOKEN"],
    ["OPTIONS_UNDERLYINGS", "SPY;SECRET", "OPTIONS_UNDERLYINGS"],
    ["LOG_LEVEL", "SECRET", "LOG_LEVEL"],
    ["TRACE_ENABLED", "SECRET", "TRACE_ENABLED"],
    ["VIZTRACER_ENABLED", "", "VIZTRACER_ENABLED"],
    [
      "OPTIONS_UNDERLYINGS",
      Array.from({ length: 51 }, (_, i) => `A.${letters(i)}`).join(","),
      "at most 50",
    ],
  ])("name %s when it is %s and never repeat its value", (name, value, place) => {
    const faults = faultsOf({ ...GOOD, [name]: value });
    expect(faults).toContain(place);
    expect(faults).not.toContain("SECRET");
  });

  // Dates are no secrets, and a list of them is mended faster when the wrong one is shown.
  it("repeat the date of a calendar override that is none", () => {
    const faults = faultsOf({ ...GOOD, CALENDAR_OVERRIDES: '[{"date":"soon","closed":true}]' });
    expect(faults).toContain('calendar_overrides.0: "soon" is not a date');
  });

  it("name what is wrong in the config also when a variable is missing", () => {
    const { BOOTSTRAP_KEY: _key, ...env } = GOOD;
    const faults = faultsOf({
      ...env,
      POLICY_BARS_1M: '["nobody"]',
      BREAKER_DEMOTE_THRESHOLD: "0.9",
    });
    expect(faults).toContain("BOOTSTRAP_KEY");
    expect(faults).toMatch(/bars_1m/i);
    expect(faults).toMatch(/demote/i);
  });

  it("trace when either variable says so, the service's own one first", () => {
    const traced = (variables: object) => settingsOf({ ...GOOD, ...variables }).traced;
    expect(traced({})).toBe(false);
    expect(traced({ TRACE_ENABLED: "true" })).toBe(true);
    expect(traced({ VIZTRACER_ENABLED: "true" })).toBe(true);
    expect(traced({ TRACE_ENABLED: "false", VIZTRACER_ENABLED: "true" })).toBe(false);
  });

  it("tell once that a folder for traces is ignored, without naming it", () => {
    const told = vi.spyOn(console, "info").mockImplementation(() => {});
    const env = { ...GOOD, VIZ_OUT_DIR: "/var/SECRET" };
    settingsOf(env);
    settingsOf(env);
    expect(told.mock.calls.flat().join()).toMatch(/VIZ_OUT_DIR is ignored/);
    expect(told.mock.calls.flat().join()).not.toContain("SECRET");
    expect(told).toHaveBeenCalledTimes(1);
    told.mockRestore();
  });

  it("take the variables of the release notes", () => {
    const { config } = settingsOf({
      ...GOOD,
      POLICY_BARS_1M: '["polygon","finnhub"]',
      POLICY_BARS_1D: '["polygon","alpaca"]',
      POLICY_QUOTES_L1: '["polygon","iex"]',
      BREAKER_DEMOTE_THRESHOLD: "0.55",
      BREAKER_PROMOTE_THRESHOLD: "0.70",
      RECENT_LATENCY_CAP_MS: "250",
      VIZTRACER_ENABLED: "false",
      VIZ_OUT_DIR: "/var/traces",
    });
    expect(config.policies.bars_1m).toEqual(["polygon", "finnhub"]);
    expect(config).toMatchObject({ latency_cap_ms: 250, breaker: { demote: 0.55, promote: 0.7 } });
  });

  it("take the days that bars and quotes are kept", () => {
    const kept = { RETENTION_DAYS_BARS: "30", RETENTION_DAYS_QUOTES: "1" };
    expect(settingsOf({ ...GOOD, ...kept }).config.retention_days).toEqual({ bars: 30, quotes: 1 });
  });

  it("take how many host-only instances each region has: none unless said", () => {
    const { config } = settingsOf({ ...GOOD, STREAM_EXTRA_HOSTS: "2" });
    expect(config.stream).toEqual({ extra_hosts: 2 });
    expect(settingsOf(GOOD).config.stream).toEqual({ extra_hosts: 0 });
  });

  it("take the cadences of quotes and of service level samples, and refuse an unfit one by its path", () => {
    const { config } = settingsOf({ ...GOOD, QUOTE_EVERY_S: "60", SLO_EVERY_S: "300" });
    expect(config).toMatchObject({ quote_every_s: 60, slo: { every_s: 300, sample: 200 } });
    expect(readSettings({ ...GOOD, SLO_EVERY_S: "4" })).toMatchObject({
      ok: false,
      faults: [expect.stringContaining("slo.every_s")],
    });
  });

  it("give one calendar, with the overrides of the deployment", () => {
    const settings = settingsOf({
      ...GOOD,
      CALENDAR_OVERRIDES: '[{"date":"2026-11-24","closed":true}]',
    });
    expect(calendarOf(settings).session("2026-11-24")).toBeUndefined();
    expect(calendarOf(settings)).toBe(calendarOf(settings));
  });

  it("put iex on Alpaca's account unless it has keys or a host of its own", () => {
    const alpaca = { ...GOOD, ALPACA_KEY_ID: "k", ALPACA_SECRET_KEY: "s" };
    expect(settingsOf(alpaca).iex).toEqual({
      backend: "alpaca",
      baseUrl: "https://data.alpaca.markets",
      keyId: "k",
      secret: "s",
    });
    const own = { ...alpaca, IEX_KEY_ID: "i", IEX_SECRET: "j" };
    expect(settingsOf(own).iex).toMatchObject({ keyId: "i", secret: "j" });
    expect(settingsOf({ ...alpaca, IEX_BASE_URL: "https://iex.example" }).iex).toBeNull();
    expect(settingsOf(GOOD).iex).toBeNull();
  });

  it("read the options of three funds unless others are named, each once, or none", () => {
    const underlyings = (text?: string) =>
      settingsOf({ ...GOOD, ...(text === undefined ? {} : { OPTIONS_UNDERLYINGS: text }) })
        .optionsUnderlyings;
    expect(underlyings()).toEqual(["SPY", "QQQ", "IWM"]);
    expect(underlyings("AAPL, BRK.B,AAPL")).toEqual(["AAPL", "BRK.B"]);
    expect(underlyings("")).toEqual([]);
  });

  it("know a coordinator by its URL alone, or with a token", () => {
    const RLC_URL = "http://rate-limit-coordinator:8080";
    expect(settingsOf(GOOD).rlc).toBe(null);
    expect(settingsOf({ ...GOOD, RLC_URL }).rlc).toEqual({ url: RLC_URL, token: null });
    expect(settingsOf({ ...GOOD, RLC_URL, RLC_TOKEN: "t" }).rlc?.token).toBe("t");
  });

  it("configure a provider only with all of its keys", () => {
    expect(settingsOf({ ...GOOD, POLYGON_API_KEY: "k" }).polygon).toMatchObject({
      plan: "basic",
      apiKey: "k",
    });
    expect(
      settingsOf({ ...GOOD, ALPACA_KEY_ID: "k", ALPACA_SECRET_KEY: "s" }).alpaca,
    ).toMatchObject({ feed: "sip" });
  });
});
