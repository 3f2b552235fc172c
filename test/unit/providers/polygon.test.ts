import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DAY_MS } from "../../../src/domain/time.ts";
import { planDelay } from "../../../src/providers/plan-limits.ts";
import { MAX_PAGES } from "../../../src/providers/polygon/client.ts";
import { polygonError } from "../../../src/providers/polygon/errors.ts";
import type { PolygonSettings } from "../../../src/providers/polygon/index.ts";
import { createPolygon } from "../../../src/providers/polygon/index.ts";
import { rebaseNextUrl } from "../../../src/providers/polygon/host.ts";
import { POLYGON_PLANS } from "../../../src/providers/polygon/limits.ts";
import { toPolygonTicker } from "../../../src/providers/polygon/map.ts";
import { checkCount } from "../../../src/providers/polygon/pages.ts";
import type { BarsRequest, HttpResponse } from "../../../src/providers/provider.ts";
import { ProviderError } from "../../../src/providers/provider-error.ts";
import { MAX_CONCURRENT_SYMBOLS, MAX_SYMBOL_FAULTS } from "../../../src/providers/symbol-sweep.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { htmlAnswer, jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const startMs = Date.UTC(2026, 2, 20, 13, 30);
const endMs = Date.UTC(2026, 2, 20, 13, 40);
const nowMs = Date.UTC(2026, 2, 20, 14, 0);
const window = { startMs, endMs };
const settings: PolygonSettings = {
  baseUrl: "https://agg.example",
  apiKey: "the-key",
  plan: "advanced",
};
const row = { v: 100.5, vw: 10.2, o: 10, c: 10.5, h: 11, l: 9, t: startMs, n: 3 };

function asking(...symbols: string[]): BarsRequest {
  return { symbols, interval: "1m", ...window };
}

function tickerOf(url: URL): string {
  return decodeURIComponent(url.pathname.split("/")[4] ?? "");
}

function aggs(url: URL, change: object = {}): HttpResponse {
  return jsonAnswer({
    ticker: tickerOf(url),
    adjusted: false,
    status: "OK",
    request_id: "r",
    ...change,
  });
}

function refusal(status: number, body: object): HttpResponse {
  return { ...jsonAnswer(body), status };
}

describe("polygon request", () => {
  it("asks raw minutes of one ticker with the key in a header and an inclusive end", async () => {
    const { deps, requests, spent } = scriptedDeps((url) => aggs(url, { results: [row] }), nowMs);
    const answer = await createPolygon(settings).fetchBars(asking("BRK.B"), deps);
    expect(requests).toEqual([
      {
        url:
          `https://agg.example/v2/aggs/ticker/BRK.B/range/1/minute/${startMs}/${endMs - 1}` +
          "?adjusted=false&sort=asc&limit=50000",
        headers: { authorization: "Bearer the-key" },
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
          volume: 100.5,
          vwap: 10.2,
          tradeCount: 3,
        },
      ],
      covered: [{ symbols: ["BRK.B"], ...window }],
      feed: "sip",
      calls: [{ provider: "polygon", endpoint: "bars", code: "ok", durationMs: 7 }],
      failure: null,
    });
    expect(spent()).toBe(1);
  });

  it("neither asks nor covers preferred shares", async () => {
    const { deps, requests } = scriptedDeps((url) => aggs(url), nowMs);
    const answer = await createPolygon(settings).fetchBars(
      asking("BAC.PRL", "KIM.PR", "BAC"),
      deps,
    );
    expect(requests.map(({ url }) => tickerOf(new URL(url)))).toEqual(["BAC"]);
    expect(answer.covered).toEqual([{ symbols: ["BAC"], ...window }]);
    expect(answer.failure).toBeNull();
    expect(["BRK.B", "ABC.WS", "ABC.U", "PR", "A.P"].map(toPolygonTicker)).toEqual([
      "BRK.B",
      "ABC.WS",
      "ABC.U",
      "PR",
      "A.P",
    ]);
  });

  it("asks six symbols at a time, each once, and answers in the order asked", async () => {
    const symbols = Array.from(
      { length: 40 },
      (_, i) => `S${String.fromCodePoint(65 + (i % 26))}.${i < 26 ? "A" : "B"}`,
    );
    let open = 0;
    let mostOpen = 0;
    const { deps, requests } = scriptedDeps(async (url, index) => {
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      // Later requests answer before earlier ones.
      for (let turn = 0; turn < 12 - (index % 12); turn += 1) await Promise.resolve();
      open -= 1;
      return aggs(url, { results: [row] });
    }, nowMs);
    const answer = await createPolygon(settings).fetchBars(asking(...symbols, "SA.A"), deps);
    expect(mostOpen).toBe(MAX_CONCURRENT_SYMBOLS);
    expect(requests).toHaveLength(40);
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(symbols);
    expect(answer.covered).toEqual([{ symbols, ...window }]);
  });

  it("refuses an interval that it does not serve", async () => {
    const { deps, requests } = scriptedDeps((url) => aggs(url), nowMs);
    const answer = await createPolygon(settings).fetchBars(
      { ...asking("AAPL"), interval: "1d" },
      deps,
    );
    expect(answer).toMatchObject({ covered: [], failure: { kind: "bad_request" } });
    expect(requests).toEqual([]);
  });
});

describe("polygon pages", () => {
  it("follows next_url on our own base, whatever host it names", async () => {
    const next =
      "https://api.massive.com:443:443/v2/aggs/ticker/AAPL/range/1/minute/5/9?cursor=abc";
    const { deps, requests } = scriptedDeps(
      (url, i) =>
        i === 0
          ? aggs(url, { results: [row], next_url: next })
          : aggs(url, { results: [{ ...row, t: startMs + 60_000 }] }),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(requests[1]).toMatchObject({
      url: "https://agg.example/v2/aggs/ticker/AAPL/range/1/minute/5/9?cursor=abc",
      headers: { authorization: "Bearer the-key" },
    });
    expect(answer.rows.map(({ ts }) => ts)).toEqual([startMs, startMs + 60_000]);
    expect(answer.covered).toHaveLength(1);
  });

  it.each([
    ["https://h.example", "/v2/x?cursor=1", "https://h.example/v2/x?cursor=1"],
    ["https://h.example/", "https://other.example/v2/x", "https://h.example/v2/x"],
    ["http://127.0.0.1:9/poly", "http://127.0.0.1:9/poly/v2/x", "http://127.0.0.1:9/poly/v2/x"],
    ["http://127.0.0.1:9/poly", "https://other.example/v2/x", "http://127.0.0.1:9/poly/v2/x"],
    ["https://h.example", "ftp://other.example/v2/x", null],
    ["https://h.example", "//other.example/v2/x", null],
    ["https://h.example", "cursor", null],
  ])("re-bases on %s: %s", (baseUrl, nextUrl, expected) => {
    expect(rebaseNextUrl({ ...settings, baseUrl }, nextUrl)).toBe(expected);
  });

  it("calls a repeated cursor malformed, keeps the rows and covers nothing", async () => {
    const { deps } = scriptedDeps(
      (url, i) =>
        aggs(url, { results: [row], next_url: `https://x.example${url.pathname}?cursor=${i % 2}` }),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.failure).toMatchObject({ kind: "malformed", message: "page cursor repeated" });
    expect(answer.covered).toEqual([]);
    expect(answer.rows).toHaveLength(2);
    expect(answer.calls.map(({ code }) => code)).toEqual(["ok", "ok", "malformed"]);
  });

  it("gives up on endless pages", async () => {
    const { deps, requests } = scriptedDeps(
      (url, i) => aggs(url, { next_url: `https://x.example${url.pathname}?cursor=${i}` }),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.failure?.kind).toBe("malformed");
    expect(requests).toHaveLength(MAX_PAGES);
  });

  it.each([
    ["HTML with status 200", () => htmlAnswer(200)],
    ["an empty body", () => ({ status: 200, headers: {}, body: "" })],
    ["bars of another ticker", (url: URL) => aggs(url, { ticker: "META", results: [row] })],
    ["adjusted bars", (url: URL) => aggs(url, { adjusted: true, results: [row] })],
    ["fewer rows than it says", (url: URL) => aggs(url, { results: [row], resultsCount: 2 })],
    ["rows where it says none", (url: URL) => aggs(url, { results: [row], resultsCount: 0 })],
    ["none of the rows that it names", (url: URL) => aggs(url, { resultsCount: 1 })],
    ["an error under status 200", (url: URL) => aggs(url, { status: "ERROR" })],
    ["text where numbers are", (url: URL) => aggs(url, { results: [{ ...row, o: "10" }] })],
    ["a next_url that is none", (url: URL) => aggs(url, { next_url: "cursor" })],
  ])("calls %s malformed", async (_what, respond) => {
    const { deps } = scriptedDeps(respond, nowMs);
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(answer).toMatchObject({ rows: [], covered: [], failure: { kind: "malformed" } });
    expect(answer.calls.map(({ code }) => code)).toEqual(["malformed"]);
  });
});

const countedSchema = z.object({
  resultsCount: z.number(),
  results: z.array(z.unknown()).nullish(),
});

describe("the number of rows that polygon names", () => {
  it("is that of each page, so pages and empty answers that agree with it are good ones", async () => {
    const pages = [
      { results: [row], resultsCount: 1, next_url: "https://agg.example/v2/next?cursor=a" },
      { resultsCount: 0 },
    ];
    const { deps } = scriptedDeps(
      (_url, index) => jsonAnswer({ ticker: "AAPL", status: "OK", ...pages[index] }),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(answer.failure).toBeNull();
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], ...window }]);
  });

  it.skipIf(!hasPayloads)("agrees in every recorded answer that is whole", () => {
    for (const file of ["aggs_day_range", "aggs_empty", "aggs_grouped_daily", "spec_grouped"]) {
      const page = countedSchema.parse(JSON.parse(payloadText("polygon", `${file}.json`)));
      expect(() => checkCount(page)).not.toThrow();
    }
  });
});

describe("polygon faults", () => {
  const many = Array.from({ length: 26 }, (_, i) => `S${String.fromCodePoint(65 + i)}`);

  it("starts no new call after a fault that is not one symbol's, and keeps what was answered", async () => {
    const { deps, requests } = scriptedDeps(
      (url) =>
        tickerOf(url) === "SH"
          ? { status: 429, headers: {}, body: "" }
          : aggs(url, { results: [row] }),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchBars(asking(...many), deps);
    const covered = answer.covered[0]?.symbols ?? [];
    expect(answer.failure).toMatchObject({ kind: "rate_limited", retryAfterMs: null });
    expect(requests.length).toBeLessThan(8 + 2 * MAX_CONCURRENT_SYMBOLS);
    expect(covered).toEqual(many.slice(0, requests.length).filter((symbol) => symbol !== "SH"));
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(covered);
  });

  it("does not finish the pages of a symbol once it has stopped, and does not cover it", async () => {
    const { deps } = scriptedDeps(async (url) => {
      if (tickerOf(url) === "BAD") return refusal(401, { error: "Unknown API Key" });
      // The refusal is known before the first page is.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      return aggs(url, { results: [row], next_url: `https://x.example${url.pathname}?cursor=1` });
    }, nowMs);
    const answer = await createPolygon(settings).fetchBars(asking("BAD", "AAPL"), deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "unauthorized" } });
    expect(answer.rows.map(({ symbol }) => symbol)).toEqual(["AAPL"]);
    expect(answer.calls).toHaveLength(2);
  });

  it.each([
    [
      "an unknown symbol",
      refusal(404, { status: "NOT_FOUND", message: "no such ticker" }),
      "not_found",
    ],
    ["a poisoned answer", htmlAnswer(200), "malformed"],
  ] as const)("lets the others go on past %s", async (_what, response, kind) => {
    const { deps } = scriptedDeps((url) => (tickerOf(url) === "SB" ? response : aggs(url)), nowMs);
    const answer = await createPolygon(settings).fetchBars(asking(...many), deps);
    expect(answer.covered).toEqual([
      { symbols: many.filter((symbol) => symbol !== "SB"), ...window },
    ]);
    expect(answer.failure?.kind).toBe(kind);
  });

  it("gives up when too many symbols fail on their own", async () => {
    const { deps, requests } = scriptedDeps(() => htmlAnswer(200), nowMs);
    const answer = await createPolygon(settings).fetchBars(asking(...many), deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "malformed" } });
    expect(requests.length).toBeLessThan(MAX_SYMBOL_FAULTS + MAX_CONCURRENT_SYMBOLS);
  });

  it("keeps what its credits paid for", async () => {
    let credits = 3;
    const spend = async () => {
      if (credits === 0) throw new ProviderError("no_credits", "empty bucket");
      credits -= 1;
    };
    const { deps } = scriptedDeps((url) => aggs(url), nowMs, { spend });
    const answer = await createPolygon(settings).fetchBars(asking(...many), deps);
    expect(answer.covered).toEqual([{ symbols: ["SA", "SB", "SC"], ...window }]);
    expect(answer.failure?.kind).toBe("no_credits");
    expect(answer.calls).toHaveLength(3);
  });

  it.each([
    [401, '{"message":"Unknown API Key"}', "unauthorized"],
    [403, '{"error":"Unknown API Key"}', "unauthorized"],
    [403, "<html>blocked</html>", "unavailable"],
    [404, "404 page not found", "not_found"],
    [429, "", "rate_limited"],
    [502, "<html/>", "unavailable"],
  ] as const)("reads status %i with %s as %s", (status, body, kind) => {
    expect(polygonError({ status, headers: {}, body }, nowMs)).toMatchObject({ kind, status });
  });

  describe.skipIf(!hasPayloads)("as recorded", () => {
    it.each([
      ["err_400_bad_date.json", "bad_request", "Could not parse the time parameter"],
      ["err_401_unknown_key.json", "unauthorized", "Unknown API Key"],
      ["err_403_not_entitled.json", "not_entitled", "You are not entitled to this data"],
      ["err_403_timeframe.json", "not_entitled", "doesn't include this data timeframe"],
      ["err_404_snapshot.json", "not_found", "answered 404"],
      ["err_429_rate.json", "rate_limited", "exceeded the maximum requests per minute"],
    ])("reads %s as %s", async (file, kind, text) => {
      const { deps } = scriptedDeps(() => errorResponse("polygon", file), nowMs);
      const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
      expect(answer).toMatchObject({
        rows: [],
        covered: [],
        failure: { kind, retryAfterMs: null },
      });
      expect(answer.failure?.message).toContain(text);
      expect(answer.calls.map(({ code }) => code)).toEqual([kind]);
    });

    it("covers a symbol whose recorded answer is empty, without results", async () => {
      const empty = payloadText("polygon", "aggs_empty.json").replace(
        '"adjusted": true',
        '"adjusted": false',
      );
      const { deps } = scriptedDeps(() => ({ status: 200, headers: {}, body: empty }), nowMs);
      const answer = await createPolygon(settings).fetchBars(asking("ZZZZZ"), deps);
      expect(answer).toMatchObject({ rows: [], failure: null });
      expect(answer.covered).toEqual([{ symbols: ["ZZZZZ"], ...window }]);
    });
  });
});

describe("polygon plans", () => {
  const delayed = (url: URL) => aggs(url, { status: "DELAYED", results: [row] });

  it("know their delay, feed and rate", () => {
    const rows = Object.entries(POLYGON_PLANS).map(([plan, limits]) => [
      plan,
      planDelay(limits),
      limits.feed,
    ]);
    expect(rows).toEqual([
      ["basic", null, "sip"],
      ["starter", 900_000, "delayed_sip"],
      ["developer", 900_000, "delayed_sip"],
      ["advanced", 0, "sip"],
    ]);
    expect(POLYGON_PLANS.basic).toMatchObject({
      callsPerMinute: 5,
      delayMs: "end_of_day",
      historyDays: 730,
    });
  });

  it("on a delayed plan cover only what ended 15 minutes ago, and accept DELAYED", async () => {
    const { deps, requests } = scriptedDeps(delayed, startMs + 900_000 + 4 * 60_000);
    const answer = await createPolygon({ ...settings, plan: "starter" }).fetchBars(
      asking("AAPL"),
      deps,
    );
    expect(requests[0]?.url).toContain(`/${startMs}/${startMs + 4 * 60_000 - 1}?`);
    expect(answer).toMatchObject({ feed: "delayed_sip", failure: { kind: "not_entitled" } });
    expect(answer.rows).toHaveLength(1);
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs, endMs: startMs + 4 * 60_000 }]);
  });

  it("find out a key that is delayed although its plan says live", async () => {
    const { deps } = scriptedDeps(delayed, startMs + 900_000 + 4 * 60_000);
    const answer = await createPolygon(settings).fetchBars(asking("AAPL"), deps);
    expect(answer).toMatchObject({ feed: "delayed_sip", failure: { kind: "not_entitled" } });
    expect(answer.isLate).toBe(true);
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs, endMs: startMs + 4 * 60_000 }]);
  });

  it("hold to what a key has shown when that is later, and to its feed", async () => {
    const after = startMs + 900_000 + 4 * 60_000;
    const shown = scriptedDeps(delayed, after, { delayMs: 900_000 });
    const late = await createPolygon(settings).fetchBars(asking("AAPL"), shown.deps);
    expect(shown.requests[0]?.url).toContain(`/${startMs}/${startMs + 4 * 60_000 - 1}?`);
    expect(late).toMatchObject({ feed: "delayed_sip", failure: { kind: "not_entitled" } });
    expect(late.isLate).toBeUndefined();
    const nextDay = scriptedDeps(delayed, nowMs + DAY_MS, { delayMs: "end_of_day" });
    const whole = await createPolygon(settings).fetchBars(asking("AAPL"), nextDay.deps);
    expect(whole).toMatchObject({ feed: "sip", covered: [window], failure: null });
    const live = scriptedDeps(delayed, after, { delayMs: 0 });
    const starter = createPolygon({ ...settings, plan: "starter" });
    expect(await starter.fetchBars(asking("AAPL"), live.deps)).toMatchObject({
      covered: [{ endMs: startMs + 4 * 60_000 }],
    });
  });

  it("on basic serve no minute before New York's midnight, and are not asked for one", async () => {
    const midnightMs = Date.UTC(2026, 2, 21, 4);
    const before = scriptedDeps(delayed, midnightMs - 1);
    const basic = createPolygon({ ...settings, plan: "basic" });
    expect(await basic.fetchBars(asking("AAPL"), before.deps)).toMatchObject({
      covered: [],
      failure: {
        kind: "not_entitled",
        message: "the plan serves no minute of the current trading date",
      },
    });
    expect(before.requests).toEqual([]);
    const then = scriptedDeps(delayed, midnightMs);
    expect(await basic.fetchBars(asking("AAPL"), then.deps)).toMatchObject({ covered: [window] });
  });

  it("on basic do not take DELAYED of old minutes for a loss", async () => {
    const { deps } = scriptedDeps(delayed, nowMs + DAY_MS);
    const answer = await createPolygon({ ...settings, plan: "basic" }).fetchBars(
      asking("AAPL"),
      deps,
    );
    expect(answer).toMatchObject({ feed: "sip", failure: null, covered: [window] });
  });

  it("do not believe silence from before the plan's history", async () => {
    const years = nowMs + 730 * 86_400_000 - 26 * 60_000;
    const { deps, requests } = scriptedDeps((url) => aggs(url), years);
    const basic = createPolygon({ ...settings, plan: "basic" });
    const answer = await basic.fetchBars(asking("AAPL"), deps);
    expect(answer.failure?.kind).toBe("not_entitled");
    expect(answer.covered).toEqual([{ symbols: ["AAPL"], startMs: startMs + 5 * 60_000, endMs }]);
    expect(requests[0]?.url).toContain(`/minute/${startMs + 5 * 60_000}/`);
  });
});
