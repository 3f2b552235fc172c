import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { BarsRequest } from "../../../src/providers/provider.ts";
import { ProviderError } from "../../../src/providers/provider-error.ts";
import { MAX_DROPPED_SYMBOLS } from "../../../src/providers/alpaca/ask-chunks.ts";
import { MAX_PAGES } from "../../../src/providers/alpaca/client.ts";
import { alpacaError } from "../../../src/providers/alpaca/errors.ts";
import type { AlpacaSettings } from "../../../src/providers/alpaca/index.ts";
import { createAlpaca } from "../../../src/providers/alpaca/index.ts";
import { alpacaLimits } from "../../../src/providers/alpaca/limits.ts";
import { planDelay } from "../../../src/providers/plan-limits.ts";
import { MAX_URL_BYTES } from "../../../src/providers/url-chunks.ts";
import { htmlAnswer, jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";
import { errorResponse, hasPayloads } from "../../support/provider-payloads.ts";

const startMs = Date.UTC(2026, 2, 20, 13, 30);
const endMs = Date.UTC(2026, 2, 20, 13, 40);
const nowMs = Date.UTC(2026, 2, 20, 14, 0);
const window = { startMs, endMs };
const settings: AlpacaSettings = {
  baseUrl: "https://data.example",
  keyId: "key-id",
  secret: "key-secret",
  feed: "sip",
  plan: "plus",
};
const row = { t: "2026-03-20T13:30:00Z", o: 10, h: 11, l: 9, c: 10.5, v: 100, n: 3, vw: 10.2 };

function asking(...symbols: string[]): BarsRequest {
  return { symbols, interval: "1m", ...window };
}

function askedSymbols(url: URL): string[] {
  return (url.searchParams.get("symbols") ?? "").split(",");
}

function page(bars: Record<string, (typeof row)[]> | null, token: string | null = null) {
  return jsonAnswer({ bars, next_page_token: token });
}

describe("alpaca request", () => {
  it("asks raw minutes of one feed, unmapped, with an end that is inclusive at the API", async () => {
    const { deps, requests, spent } = scriptedDeps(() => page({ "BRK.B": [row] }), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL", "BRK.B", "AAPL"), deps);
    expect(requests).toEqual([
      {
        url:
          "https://data.example/v2/stocks/bars?symbols=AAPL%2CBRK.B&timeframe=1Min" +
          "&start=2026-03-20T13%3A30%3A00.000Z&end=2026-03-20T13%3A39%3A59.999Z&limit=10000" +
          "&adjustment=raw&asof=-&feed=sip&sort=asc",
        headers: { "APCA-API-KEY-ID": "key-id", "APCA-API-SECRET-KEY": "key-secret" },
        timeoutMs: 4_000,
      },
    ]);
    expect(answer).toEqual({
      rows: [
        {
          symbol: "BRK.B",
          ts: startMs,
          open: 10,
          high: 11,
          low: 9,
          close: 10.5,
          volume: 100,
          vwap: 10.2,
          tradeCount: 3,
        },
      ],
      covered: [{ symbols: ["AAPL", "BRK.B"], ...window }],
      feed: "sip",
      calls: [{ provider: "alpaca", endpoint: "bars", code: "ok", durationMs: 7 }],
      failure: null,
    });
    expect(spent()).toBe(1);
  });

  it("cuts 1,000 symbols by URL bytes, asks each once, in order, and covers all", async () => {
    const symbols = Array.from({ length: 1_000 }, (_, i) => `S${i % 2 ? "Y.PRL" : "X"}${i}`);
    const { deps, requests } = scriptedDeps(() => page({}), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking(...symbols), deps);
    const asked = requests.map(({ url }) => askedSymbols(new URL(url)));
    expect(asked.flat()).toEqual(symbols);
    expect(Math.max(...requests.map(({ url }) => url.length))).toBeLessThanOrEqual(MAX_URL_BYTES);
    expect(requests.length).toBeLessThanOrEqual(9);
    expect(answer.covered).toEqual([{ symbols, ...window }]);
  });

  it("asks nothing for no symbols and refuses an interval that it does not serve", async () => {
    const { deps, requests } = scriptedDeps(() => page({}), nowMs);
    const alpaca = createAlpaca(settings);
    expect(await alpaca.fetchBars(asking(), deps)).toMatchObject({ covered: [], failure: null });
    const daily = await alpaca.fetchBars({ ...asking("AAPL"), interval: "1d" }, deps);
    expect(daily.failure?.kind).toBe("bad_request");
    expect(requests).toEqual([]);
  });
});

describe("alpaca pages", () => {
  it("follows the token through short and empty pages and joins a symbol that straddles them", async () => {
    const next = { ...row, t: "2026-03-20T13:31:00Z" };
    const pages = [
      page({ AAPL: [row] }, "t1"),
      page(null, "t2"),
      page({ AAPL: [next], SPY: [row] }),
    ];
    const { deps, requests } = scriptedDeps((_url, i) => pages[i] ?? page({}), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL", "SPY"), deps);
    const tokens = requests.map(({ url }) => new URL(url).searchParams.get("page_token"));
    expect(tokens).toEqual([null, "t1", "t2"]);
    expect(answer.rows.map(({ symbol, ts }) => [symbol, ts])).toEqual([
      ["AAPL", startMs],
      ["AAPL", startMs + 60_000],
      ["SPY", startMs],
    ]);
    expect(answer.covered[0]?.symbols).toEqual(["AAPL", "SPY"]);
    expect(answer.calls).toHaveLength(3);
  });

  it("calls a repeated token malformed, keeps the rows and covers nothing", async () => {
    const { deps } = scriptedDeps((_url, i) => page({ AAPL: [row] }, `t${i % 2}`), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.failure).toMatchObject({ kind: "malformed", message: "page token repeated" });
    expect(answer.covered).toEqual([]);
    expect(answer.rows).toHaveLength(2);
    expect(answer.calls.map(({ code }) => code)).toEqual(["ok", "ok", "malformed"]);
  });

  it("hands on bars of a symbol that was not asked: they are refused one by one", async () => {
    const { deps } = scriptedDeps(() => page({ AAPL: [row], MSFT: [row] }), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(["AAPL", "MSFT"]);
    // What it lacks proves nothing, so the next provider is asked.
    expect(answer).toMatchObject({ covered: [], failure: { kind: "malformed" } });
  });

  it("gives up on endless pages", async () => {
    const { deps, requests } = scriptedDeps((_url, i) => page({}, `t${i}`), nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.failure?.kind).toBe("malformed");
    expect(requests).toHaveLength(MAX_PAGES);
  });

  it.each([
    ["HTML with status 200", htmlAnswer(200)],
    ["an empty body", { status: 200, headers: {}, body: "" }],
    [
      "text where numbers are",
      jsonAnswer({ bars: { AAPL: [{ ...row, o: "10" }] }, next_page_token: null }),
    ],
    ["a time without a zone", page({ AAPL: [{ ...row, t: "2026-03-20T13:30:00" }] })],
    ["no next_page_token, so no proof of an end", jsonAnswer({ bars: {} })],
  ])("calls %s malformed", async (_what, response) => {
    const { deps } = scriptedDeps(() => response, nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer).toMatchObject({ rows: [], covered: [], failure: { kind: "malformed" } });
    expect(answer.calls.map(({ code }) => code)).toEqual(["malformed"]);
  });
});

describe("alpaca faults", () => {
  const symbols = Array.from({ length: 400 }, (_, i) => `SYM${i}`);

  it("covers only the chunks before the one that fails, and asks no more", async () => {
    const { deps, requests } = scriptedDeps(
      (url, i) => (i === 0 ? page({ [askedSymbols(url)[0] ?? ""]: [row] }) : htmlAnswer(503)),
      nowMs,
    );
    const answer = await createAlpaca(settings).fetchBars(asking(...symbols), deps);
    const first = askedSymbols(new URL(requests[0]?.url ?? ""));
    expect(answer.covered).toEqual([{ symbols: first, ...window }]);
    expect(first.length).toBeLessThan(symbols.length);
    expect(answer.rows).toHaveLength(1);
    expect(answer.failure).toMatchObject({ kind: "unavailable", status: 503 });
    expect(requests).toHaveLength(2);
  });

  it("stops when there are no credits, without a call to record", async () => {
    const spend = async () => {
      throw new ProviderError("no_credits", "empty bucket");
    };
    const { deps, requests } = scriptedDeps(() => page({}), nowMs, { spend });
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer).toMatchObject({ covered: [], calls: [], failure: { kind: "no_credits" } });
    expect(requests).toEqual([]);
  });

  it("records a network fault under its kind and lets a fault of our own code through", async () => {
    const alpaca = createAlpaca(settings);
    const slow = scriptedDeps(() => Promise.reject(new ProviderError("timeout", "slow")), nowMs);
    const answer = await alpaca.fetchBars(asking("AAPL"), slow.deps);
    expect(answer.calls).toEqual([
      { provider: "alpaca", endpoint: "bars", code: "timeout", durationMs: 7 },
    ]);
    const broken = scriptedDeps(() => Promise.reject(new TypeError("bug")), nowMs);
    await expect(alpaca.fetchBars(asking("AAPL"), broken.deps)).rejects.toThrow("bug");
  });

  it("drops the symbols that Alpaca calls malformed, asks the others again, and names the dropped", async () => {
    const bad = ["BAD1", "BAD2"];
    const { deps, requests } = scriptedDeps((url) => {
      const named = askedSymbols(url).find((symbol) => bad.includes(symbol));
      if (named === undefined) return page({ AAPL: [row] });
      return { ...jsonAnswer({ message: `invalid symbol: ${named}` }), status: 400 };
    }, nowMs);
    const answer = await createAlpaca(settings).fetchBars(
      asking("BAD1", "AAPL", "BAD2", "SPY"),
      deps,
    );
    expect(requests).toHaveLength(3);
    expect(answer.rows).toHaveLength(1);
    expect(answer.covered).toEqual([{ symbols: ["AAPL", "SPY"], ...window }]);
    expect(answer.failure).toMatchObject({ kind: "bad_request", badSymbols: bad });
    expect(answer.calls.map(({ code }) => code)).toEqual(["bad_request", "bad_request", "ok"]);
  });

  it("stops dropping at its bound, and when the named symbol was not asked", async () => {
    const { deps, requests } = scriptedDeps((url) => {
      return { ...jsonAnswer({ message: `invalid symbol: ${askedSymbols(url)[0]}` }), status: 400 };
    }, nowMs);
    const answer = await createAlpaca(settings).fetchBars(asking(...symbols), deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "bad_request" } });
    expect(requests).toHaveLength(MAX_DROPPED_SYMBOLS + 1);

    const other = { ...jsonAnswer({ message: "invalid symbol: ZZZ9" }), status: 400 };
    const foreign = scriptedDeps(() => other, nowMs);
    const refused = await createAlpaca(settings).fetchBars(asking("AAPL"), foreign.deps);
    expect(refused.failure).toMatchObject({ kind: "bad_request", badSymbols: ["ZZZ9"] });
    expect(foreign.requests).toHaveLength(1);
  });

  it.each([
    [403, '{"message":"forbidden."}', "unauthorized"],
    [422, '{"message":"end is too late for subscription"}', "not_entitled"],
    [422, '{"message":"invalid start"}', "bad_request"],
    [403, "<html>blocked</html>", "unavailable"],
    [414, "<html>Request-URI Too Large</html>", "bad_request"],
    [404, '{"message":"endpoint not found."}', "not_found"],
    [408, "", "timeout"],
    [504, "<html/>", "timeout"],
    [500, '{"message":"invalid symbol: AAPL"}', "unavailable"],
    [502, "<html/>", "unavailable"],
    [302, "", "unavailable"],
  ] as const)("reads status %i with %s as %s", (status, body, kind) => {
    const error = alpacaError({ status, headers: {}, body }, nowMs);
    expect(error).toMatchObject({ kind, status, retryAfterMs: null, badSymbols: [] });
    expect(error.message).not.toContain("<html");
  });

  it("believes a reset in the past as now, caps a far one, and reads Retry-After", () => {
    const wait = (headers: Record<string, string>) =>
      alpacaError({ status: 429, headers, body: "" }, nowMs).retryAfterMs;
    expect(wait({ "x-ratelimit-reset": String(nowMs / 1_000 - 5) })).toBe(0);
    expect(wait({ "x-ratelimit-reset": "99999999999" })).toBe(600_000);
    expect(wait({ "retry-after": "30" })).toBe(30_000);
    expect(wait({ "x-ratelimit-reset": "soon" })).toBeNull();
  });

  describe.skipIf(!hasPayloads)("as recorded", () => {
    const resetMs = 1_674_044_551_000;
    it.each([
      ["err_400_invalid_symbol.json", { kind: "bad_request", status: 400, badSymbols: ["YZCDE2"] }],
      ["err_401.json", { kind: "unauthorized", status: 401 }],
      ["err_403_sip.json", { kind: "not_entitled", status: 403 }],
      ["err_429.json", { kind: "rate_limited", status: 429, retryAfterMs: 12_000 }],
      ["err_429_trading.json", { kind: "rate_limited", retryAfterMs: 12_000 }],
      ["err_500.json", { kind: "unavailable", status: 500, retryAfterMs: null }],
    ])("reads %s", async (file, expected) => {
      const response = errorResponse("alpaca", file);
      const { deps } = scriptedDeps(() => response, resetMs - 12_000);
      const answer = await createAlpaca(settings).fetchBars(
        { symbols: ["AAPL"], interval: "1m", startMs: resetMs - 600_000, endMs: resetMs - 300_000 },
        deps,
      );
      expect(answer).toMatchObject({ rows: [], covered: [], failure: expected });
      expect(answer.calls.map(({ code }) => code)).toEqual([expected.kind]);
      const body = z.object({ message: z.string() }).parse(JSON.parse(response.body));
      expect(answer.failure?.message).toContain(body.message);
    });
  });
});

describe("alpaca plans", () => {
  it("hold to what a key has shown when that is later", async () => {
    const now = startMs + 960_000 + 4 * 60_000;
    const { deps, requests } = scriptedDeps(() => page({ AAPL: [row] }), now, { delayMs: 960_000 });
    const answer = await createAlpaca({ ...settings, plan: "plus" }).fetchBars(
      asking("AAPL"),
      deps,
    );
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs, endMs: startMs + 4 * 60_000 }]);
    expect(requests).toHaveLength(1);
  });

  it("know their delay and rate", () => {
    expect(planDelay(alpacaLimits("basic", "sip"))).toBe(960_000);
    expect(planDelay(alpacaLimits("basic", "iex"))).toBe(0);
    expect(planDelay(alpacaLimits("plus", "sip"))).toBe(0);
    expect(alpacaLimits("basic", "sip").callsPerMinute).toBe(200);
    expect(alpacaLimits("plus", "iex").callsPerMinute).toBe(10_000);
  });

  it("on basic sip ask and cover only minutes that ended 16 minutes ago, and say so", async () => {
    const basic = createAlpaca({ ...settings, plan: "basic" });
    const { deps, requests } = scriptedDeps(
      () => page({}),
      startMs + 960_000 + 4 * 60_000 + 59_999,
    );
    const answer = await basic.fetchBars(asking("AAPL"), deps);
    expect(requests[0]?.url).toContain("&end=2026-03-20T13%3A33%3A59.999Z&");
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs, endMs: startMs + 4 * 60_000 }]);
    expect(answer.failure?.kind).toBe("not_entitled");

    const early = scriptedDeps(() => page({}), endMs);
    const nothing = await basic.fetchBars(asking("AAPL"), early.deps);
    expect(nothing).toMatchObject({ covered: [], calls: [], failure: { kind: "not_entitled" } });
  });

  it("serve iex live on basic, under its own feed", async () => {
    const { deps, requests } = scriptedDeps(() => page({}), endMs);
    const iex = createAlpaca({
      ...settings,
      baseUrl: "https://data.example/",
      plan: "basic",
      feed: "iex",
    });
    const answer = await iex.fetchBars(asking("AAPL"), deps);
    expect(requests[0]?.url).toMatch(/^https:\/\/data\.example\/v2\/.*&feed=iex&/);
    expect(answer).toMatchObject({ feed: "iex", failure: null });
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], ...window }]);
  });

  it("never ask for, nor cover, the minute that has not ended", async () => {
    const { deps } = scriptedDeps(() => page({}), endMs - 1);
    const answer = await createAlpaca(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs, endMs: endMs - 60_000 }]);
    expect(answer.failure?.kind).toBe("bad_request");
  });
});
