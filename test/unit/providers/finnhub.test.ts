import { describe, expect, it } from "vitest";
import { finnhubError } from "../../../src/providers/finnhub/errors.ts";
import { createFinnhub, type FinnhubSettings } from "../../../src/providers/finnhub/index.ts";
import { FINNHUB_PLANS } from "../../../src/providers/finnhub/limits.ts";
import type { BarsRequest } from "../../../src/providers/provider.ts";
import { MAX_SYMBOL_FAULTS } from "../../../src/providers/symbol-sweep.ts";
import { errorResponse, hasPayloads } from "../../support/provider-payloads.ts";
import { htmlAnswer, jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const startMs = Date.UTC(2026, 2, 20, 13, 30);
const endMs = Date.UTC(2026, 2, 20, 13, 40);
const nowMs = Date.UTC(2026, 2, 20, 14, 0);
const window = { startMs, endMs };
const settings: FinnhubSettings = {
  baseUrl: "https://fin.example/api/v1/",
  token: "the-token",
  plan: "premium",
};
const columns = { s: "ok", t: [startMs / 1_000], o: [10], h: [11], l: [9], c: [10.5], v: [100] };

function asking(...symbols: string[]): BarsRequest {
  return { symbols, interval: "1m", ...window };
}

function symbolOf(url: URL): string {
  return url.searchParams.get("symbol") ?? "";
}

describe("finnhub bars", () => {
  it("are asked symbol by symbol in seconds, with the token in a header", async () => {
    const { deps, requests, spent } = scriptedDeps(() => jsonAnswer(columns), nowMs);
    const answer = await createFinnhub(settings).fetchBars(asking("AAPL", "BAC.PRL", "AAPL"), deps);
    expect(requests).toEqual([
      {
        url:
          "https://fin.example/api/v1/stock/candle?symbol=AAPL&resolution=1" +
          `&from=${startMs / 1_000}&to=${endMs / 1_000 - 1}`,
        headers: { "X-Finnhub-Token": "the-token" },
        timeoutMs: 4_000,
      },
    ]);
    expect(answer).toEqual({
      rows: [
        {
          symbol: "AAPL",
          ts: startMs,
          open: 10,
          high: 11,
          low: 9,
          close: 10.5,
          volume: 100,
          vwap: null,
          tradeCount: null,
        },
      ],
      covered: [{ symbols: ["AAPL"], ...window }],
      feed: "finnhub",
      calls: [{ provider: "finnhub", endpoint: "bars", code: "ok", durationMs: 7 }],
      failure: null,
    });
    expect(spent()).toBe(1);
  });

  it("that are no_data count as absent only when a second answer says so too", async () => {
    const asked = new Map<string, number>();
    const { deps } = scriptedDeps((url) => {
      const symbol = symbolOf(url);
      const times = (asked.get(symbol) ?? 0) + 1;
      asked.set(symbol, times);
      if (symbol === "FULL" || (symbol === "LATE" && times === 2)) return jsonAnswer(columns);
      return symbol === "GONE" && times === 2 ? htmlAnswer(502) : jsonAnswer({ s: "no_data" });
    }, nowMs);
    const symbols = ["QUIET", "FULL", "LATE", "GONE"];
    const answer = await createFinnhub(settings).fetchBars(asking(...symbols), deps);
    expect(Object.fromEntries(asked)).toEqual({ QUIET: 2, FULL: 1, LATE: 2, GONE: 2 });
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(["FULL", "LATE"]);
    expect(answer.covered).toEqual([{ symbols: ["QUIET", "FULL", "LATE"], ...window }]);
    expect(answer.failure?.kind).toBe("unavailable");
  });

  it("with columns of different length are malformed, as HTML is, for that symbol", async () => {
    const { deps } = scriptedDeps((url) => {
      if (symbolOf(url) === "ODD") return jsonAnswer({ ...columns, v: [] });
      return symbolOf(url) === "HTML" ? htmlAnswer(200) : jsonAnswer(columns);
    }, nowMs);
    const answer = await createFinnhub(settings).fetchBars(asking("ODD", "HTML", "A"), deps);
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(["A"]);
    expect(answer.covered).toEqual([{ symbols: ["A"], ...window }]);
    expect(answer.failure?.kind).toBe("malformed");
    expect(answer.calls.filter(({ code }) => code === "malformed")).toHaveLength(2);
  });

  it("end with the first fault of the key, and after five of symbols", async () => {
    const symbols = Array.from({ length: 26 }, (_, i) => `S${String.fromCharCode(65 + i)}`);
    const denied = { ...jsonAnswer({ error: "You don't have access to this resource." }) };
    const premium = scriptedDeps(() => ({ ...denied, status: 403 }), nowMs);
    const answer = await createFinnhub(settings).fetchBars(asking(...symbols), premium.deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "not_entitled" } });
    expect(premium.requests.length).toBeLessThanOrEqual(6);
    const broken = scriptedDeps(() => jsonAnswer({ s: "what" }), nowMs);
    await createFinnhub(settings).fetchBars(asking(...symbols), broken.deps);
    expect(broken.requests.length).toBeLessThan(MAX_SYMBOL_FAULTS + 6);
  });

  it("of more than a month are asked month by month", async () => {
    const day = 86_400_000;
    const { deps, requests } = scriptedDeps(() => jsonAnswer(columns), nowMs);
    const long = { ...asking("A"), startMs: endMs - 31 * day };
    const answer = await createFinnhub(settings).fetchBars(long, deps);
    const froms = requests.map(({ url }) => Number(new URL(url).searchParams.get("from")));
    expect(froms).toEqual([long.startMs / 1_000, (endMs - day) / 1_000]);
    expect(answer.covered).toEqual([{ symbols: ["A"], startMs: long.startMs, endMs }]);
  });

  it("of a day, and of the minute that has not ended, are not asked", async () => {
    const { deps, requests } = scriptedDeps(() => jsonAnswer(columns), endMs - 1);
    const finnhub = createFinnhub(settings);
    const daily = await finnhub.fetchBars({ ...asking("A"), interval: "1d" }, deps);
    expect(daily).toMatchObject({ calls: [], failure: { kind: "bad_request" } });
    const answer = await finnhub.fetchBars(asking("A"), deps);
    expect(answer.covered).toEqual([{ symbols: ["A"], startMs, endMs: endMs - 60_000 }]);
    expect(requests).toHaveLength(1);
    expect("fetchDailyBars" in finnhub).toBe(false);
  });
});

describe("finnhub quotes and symbols", () => {
  it("are last prices; zeros cover nothing", async () => {
    const { deps, requests } = scriptedDeps((url) => {
      const known = { c: 261.74, d: 2.29, pc: 259.45, t: 1_582_641_000 };
      return jsonAnswer(symbolOf(url) === "SPY" ? known : { c: 0, d: null, pc: 0, t: 0 });
    }, nowMs);
    const symbols = ["SPY", "ZZZZ", "ABC.WS"];
    const answer = await createFinnhub(settings).fetchQuotes({ symbols }, deps);
    expect(requests.map(({ url }) => url)).toEqual([
      "https://fin.example/api/v1/quote?symbol=SPY",
      "https://fin.example/api/v1/quote?symbol=ZZZZ",
    ]);
    expect(answer.covered).toEqual(["SPY"]);
    expect(answer.quotes).toMatchObject([{ symbol: "SPY", last: 261.74, bid: null, ask: null }]);
    expect(answer.failure).toBeNull();
  });

  it("without a time are none, and end with the first fault of the key", async () => {
    const timeless = scriptedDeps(() => jsonAnswer({ c: 5, t: 0 }), nowMs);
    const finnhub = createFinnhub(settings);
    const none = await finnhub.fetchQuotes({ symbols: ["A"] }, timeless.deps);
    expect(none).toMatchObject({ quotes: [], covered: [], failure: null });
    const symbols = Array.from({ length: 26 }, (_, i) => `S${String.fromCharCode(65 + i)}`);
    const { deps, requests } = scriptedDeps(() => ({ ...jsonAnswer({}), status: 429 }), nowMs);
    const answer = await finnhub.fetchQuotes({ symbols }, deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "rate_limited" } });
    expect(requests.length).toBeLessThanOrEqual(6);
  });

  it("list the US without what trades over the counter, or say why not", async () => {
    const rows = [
      { symbol: "BRK.B", mic: "XNYS", type: "Common Stock", figi: "" },
      { symbol: "OTCX", mic: "OOTC", type: "Common Stock" },
      { symbol: "bad symbol", mic: "XNYS" },
    ];
    const { deps, requests } = scriptedDeps(() => jsonAnswer(rows), nowMs);
    const answer = await createFinnhub(settings).listSymbols({ page: null }, deps);
    expect(requests[0]?.url).toBe("https://fin.example/api/v1/stock/symbol?exchange=US");
    expect(answer.listed).toMatchObject([{ symbol: "BRK.B", type: "COMMON", figi: null }]);
    expect(answer.unmappable).toEqual(["bad symbol"]);
    const down = scriptedDeps(() => htmlAnswer(502), nowMs);
    const none = await createFinnhub(settings).listSymbols({ page: null }, down.deps);
    expect(none).toMatchObject({ listed: [], failure: { kind: "unavailable" } });
  });

  it("are all that a free key serves", () => {
    expect(FINNHUB_PLANS.free).toMatchObject({ callsPerMinute: 60, capabilities: ["quotes_l1"] });
    expect(createFinnhub(settings).capabilities).toEqual(["bars_1m", "quotes_l1"]);
  });
});

describe("finnhub refusals", () => {
  it.each([
    [401, '{"error":"You don\'t have access to this resource."}', "not_entitled"],
    [429, "API limit reached. Please sign up for a free account", "rate_limited"],
    [504, "<html/>", "timeout"],
    [403, "<html>blocked</html>", "unavailable"],
  ] as const)("of status %i with %s are %s", (status, body, kind) => {
    expect(finnhubError({ status, headers: {}, body }, nowMs)).toMatchObject({ kind, status });
  });

  const resetMs = 1_582_641_060_000;
  it.skipIf(!hasPayloads).each([
    ["err_401_invalid_key.json", { kind: "unauthorized", status: 401 }],
    ["err_401_no_key.json", { kind: "unauthorized", status: 401 }],
    ["err_403_premium.json", { kind: "not_entitled", status: 403 }],
    ["err_429.json", { kind: "rate_limited", status: 429, retryAfterMs: 12_000 }],
    ["err_502_html.json", { kind: "unavailable", status: 502, retryAfterMs: null }],
  ])("are read as recorded: %s", (file, expected) => {
    const error = finnhubError(errorResponse("finnhub", file), resetMs - 12_000);
    expect(error).toMatchObject(expected);
    expect(error.message).not.toContain("<html");
  });
});
