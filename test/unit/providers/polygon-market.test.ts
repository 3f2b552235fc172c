import { describe, expect, it } from "vitest";
import { createPolygon, type PolygonSettings } from "../../../src/providers/polygon/index.ts";
import { hasCapability } from "../../../src/providers/provider.ts";
import { MAX_URL_BYTES } from "../../../src/providers/url-chunks.ts";
import { htmlAnswer, jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const DAY = 86_400_000;
const nowMs = Date.UTC(2026, 2, 20, 20, 20);
const settings: PolygonSettings = {
  baseUrl: "https://agg.example/x/",
  apiKey: "the-key",
  plan: "advanced",
};
const headers = { authorization: "Bearer the-key" };
const thursday = Date.UTC(2026, 2, 19);
const friday = Date.UTC(2026, 2, 20);

function bar(ticker: string, t: number, close = 10.5) {
  return { T: ticker, v: 100.5, vw: 10.2, o: 10, c: close, h: 11, l: 9, t, n: 3 };
}

function grouped(url: URL, rows: object[]) {
  return jsonAnswer({ status: "OK", adjusted: false, results: rows, path: url.pathname });
}

describe("polygon daily bars", () => {
  const dates = ["2026-03-20", "2026-03-19", "2026-03-20"];

  it("are the whole market in one call a date, of which the asked symbols are kept", async () => {
    const { deps, requests, spent } = scriptedDeps((url) => {
      const at = url.pathname.endsWith("19") ? thursday : friday;
      return grouped(url, [
        bar("AAPL", at + 20 * 3_600_000),
        bar("KIMpL", at + 20 * 3_600_000),
        bar("ZZZ", at + 20 * 3_600_000),
      ]);
    }, nowMs);
    const symbols = ["AAPL", "BRK.B", "KIM.PRL", "BAC.PRL"];
    const answer = await createPolygon(settings).fetchDailyBars({ symbols, dates }, deps);
    expect(requests.map(({ url }) => url)).toEqual(
      ["2026-03-19", "2026-03-20"].map(
        (date) =>
          `https://agg.example/x/v2/aggs/grouped/locale/us/market/stocks/${date}` +
          "?adjusted=false&include_otc=false",
      ),
    );
    expect(requests[0]?.headers).toEqual(headers);
    expect(answer.rows.map(({ symbol, ts }) => [symbol, ts])).toEqual([
      ["AAPL", thursday],
      ["KIM.PRL", thursday],
      ["AAPL", friday],
      ["KIM.PRL", friday],
    ]);
    // BAC.PRL may be there under a ticker that we do not know: its absence says nothing.
    const covered = ["AAPL", "BRK.B", "KIM.PRL"];
    expect(answer.covered).toEqual([
      { symbols: covered, startMs: thursday, endMs: thursday + DAY },
      { symbols: covered, startMs: friday, endMs: friday + DAY },
    ]);
    expect(answer).toMatchObject({ feed: "sip", failure: null });
    expect(spent()).toBe(2);
  });

  it("of a date without any row are not covered, and the next date is still asked", async () => {
    const { deps } = scriptedDeps(
      (url) =>
        url.pathname.endsWith("19")
          ? jsonAnswer({ status: "OK", adjusted: false, resultsCount: 0 })
          : grouped(url, [bar("AAPL", friday + 1)]),
      nowMs,
    );
    const answer = await createPolygon(settings).fetchDailyBars({ symbols: ["AAPL"], dates }, deps);
    expect(answer.covered.map(({ startMs }) => startMs)).toEqual([friday]);
    expect(answer.failure?.kind).toBe("not_found");
    expect(answer.calls.map(({ endpoint, code }) => [endpoint, code])).toEqual([
      ["daily", "ok"],
      ["daily", "ok"],
    ]);
  });

  it("are refused when they are adjusted, cut or no JSON, which ends the request", async () => {
    for (const wrong of [
      jsonAnswer({ status: "OK", adjusted: true, results: [bar("AAPL", friday)] }),
      jsonAnswer({ status: "OK", resultsCount: 12_000, results: [bar("AAPL", friday)] }),
      htmlAnswer(200),
    ]) {
      const { deps, requests } = scriptedDeps(() => wrong, nowMs);
      const polygon = createPolygon(settings);
      const answer = await polygon.fetchDailyBars({ symbols: ["AAPL"], dates }, deps);
      expect(answer).toMatchObject({ rows: [], covered: [], failure: { kind: "malformed" } });
      expect(requests).toHaveLength(1);
    }
  });

  it("of today are not asked of an end-of-day plan, nor what is older than its years", async () => {
    const { deps, requests } = scriptedDeps((url) => grouped(url, [bar("A", thursday)]), nowMs);
    const basic = createPolygon({ ...settings, plan: "basic" });
    const answer = await basic.fetchDailyBars(
      { symbols: ["A"], dates: ["2024-03-19", "2026-03-19", "2026-03-20"] },
      deps,
    );
    expect(requests).toHaveLength(1);
    expect(answer.covered.map(({ startMs }) => startMs)).toEqual([thursday]);
    expect(answer.failure?.kind).toBe("not_entitled");
    const old = await basic.fetchDailyBars({ symbols: ["A"], dates: ["2024-03-19"] }, deps);
    expect(old).toMatchObject({ calls: [], failure: { kind: "not_entitled" } });
    const future = { symbols: ["A"], dates: ["2026-03-23"] };
    const early = await createPolygon(settings).fetchDailyBars(future, deps);
    expect(early).toMatchObject({ calls: [], failure: { kind: "bad_request" } });
  });
});

describe("polygon quotes", () => {
  const quote = { bid: 9, ask: 10, bid_size: 1, ask_size: 2, timeframe: "REAL-TIME" };

  function rowsOf(url: URL) {
    const tickers = (url.searchParams.get("ticker.any_of") ?? "").split(",");
    const rows = tickers.map((ticker) => ({
      ticker,
      type: "stocks",
      last_quote: { ...quote, last_updated: "NS" },
    }));
    const text = JSON.stringify({ status: "OK", results: rows });
    return { ...jsonAnswer({}), body: text.replaceAll('"NS"', "1774036799999999999") };
  }

  it("are asked 250 at a time within the URL's bytes, and keep their nanoseconds", async () => {
    const symbols = Array.from({ length: 500 }, (_, i) => `A${letters(i)}`);
    const { deps, requests } = scriptedDeps(rowsOf, nowMs);
    const asked = { symbols: [...symbols, "BAC.PRL", "AAA"] };
    const answer = await createPolygon(settings).fetchQuotes(asked, deps);
    expect(requests).toHaveLength(2);
    expect(requests.every(({ url }) => url.length <= MAX_URL_BYTES)).toBe(true);
    expect(requests[0]?.url).toMatch(
      /^https:\/\/agg\.example\/x\/v3\/snapshot\?ticker\.any_of=AAA,.*&type=stocks&limit=250$/,
    );
    expect(answer.covered).toEqual(symbols);
    expect(answer.quotes).toHaveLength(500);
    expect(answer.quotes[0]).toMatchObject({
      symbol: "AAA",
      ts: 1_774_036_799_999,
      nsOfMs: 999_999,
      consolidated: true,
    });
    expect(answer.failure).toBeNull();
  });

  it("of rows with an error are not covered, and the failure names them", async () => {
    const { deps } = scriptedDeps(
      () =>
        jsonAnswer({
          status: "OK",
          results: [
            { ticker: "NOPE", error: "NOT_FOUND", message: "Ticker not found." },
            { ticker: "A", type: "stocks", last_quote: { ...quote, last_updated: 1e15 } },
          ],
        }),
      nowMs,
    );
    const polygon = createPolygon(settings);
    const answer = await polygon.fetchQuotes({ symbols: ["A", "NOPE", "QUIET"] }, deps);
    expect(answer.quotes.map(({ symbol }) => symbol)).toEqual(["A"]);
    expect(answer.covered).toEqual(["A", "QUIET"]);
    expect(answer.failure).toMatchObject({ kind: "not_found", badSymbols: ["NOPE"] });
    expect(answer.calls.map(({ code }) => code)).toEqual(["ok"]);
  });

  it("keep what came before a fault, and a foreign row is one", async () => {
    const symbols = Array.from({ length: 300 }, (_, i) => `A${letters(i)}`);
    const { deps } = scriptedDeps((url, index) => {
      if (index === 0) return rowsOf(url);
      return jsonAnswer({ status: "OK", results: [{ ticker: "FOREIGN", type: "stocks" }] });
    }, nowMs);
    const answer = await createPolygon(settings).fetchQuotes({ symbols }, deps);
    expect(answer.covered).toHaveLength(250);
    expect(answer.failure?.kind).toBe("malformed");
  });

  it("are a capability of advanced only", () => {
    const plans = (["basic", "starter", "developer", "advanced"] as const).map((plan) =>
      hasCapability(createPolygon({ ...settings, plan }), "quotes_l1"),
    );
    expect(plans).toEqual([false, false, false, true]);
  });
});

describe("polygon symbols", () => {
  const PAGE = "/v3/reference/tickers?cursor=two";

  function page(url: URL) {
    if (url.searchParams.get("cursor") === "two") {
      return jsonAnswer({ status: "OK", results: [{ ticker: "KIMpL", type: "PFD" }] });
    }
    const next_url = `https://elsewhere.example${PAGE}`;
    const results = [{ ticker: "A", type: "CS" }, { ticker: "ABCw" }, { ticker: "N", type: "NEW" }];
    return jsonAnswer({ status: "OK", results, next_url });
  }

  it("are read to the last page on our base", async () => {
    const { deps, requests } = scriptedDeps(page, nowMs);
    const answer = await createPolygon(settings).listSymbols({ page: null }, deps);
    expect(requests.map(({ url }) => url)).toEqual([
      "https://agg.example/x/v3/reference/tickers?market=stocks&active=true&limit=1000" +
        "&sort=ticker&order=asc",
      `https://agg.example/x${PAGE}`,
    ]);
    expect(answer.listed.map(({ symbol, type }) => [symbol, type])).toEqual([
      ["A", "COMMON"],
      ["N", "OTHER"],
      ["KIM.PRL", "PREFERRED"],
    ]);
    expect(answer).toMatchObject({ unmappable: ["ABCw"], next: null, failure: null });
  });

  it("go on where the credits ended", async () => {
    const limited = scriptedDeps(
      (url, index) => (index === 0 ? page(url) : { status: 429, headers: {}, body: "" }),
      nowMs,
    );
    const polygon = createPolygon(settings);
    const first = await polygon.listSymbols({ page: null }, limited.deps);
    expect(first).toMatchObject({ next: PAGE, failure: { kind: "rate_limited" } });
    expect(first.listed).toHaveLength(2);
    const { deps, requests } = scriptedDeps(page, nowMs);
    const second = await polygon.listSymbols({ page: first.next }, deps);
    expect(requests.map(({ url }) => url)).toEqual([`https://agg.example/x${PAGE}`]);
    expect(second).toMatchObject({ next: null, failure: null });
  });

  it("are asked at no other path than that of the list", async () => {
    const { deps, requests } = scriptedDeps(page, nowMs);
    const polygon = createPolygon(settings);
    for (const elsewhere of ["//evil.example/x", "https://evil.example/v1/x", "tickers"]) {
      const answer = await polygon.listSymbols({ page: elsewhere }, deps);
      expect(answer.failure?.kind).toBe("bad_request");
    }
    expect(requests).toEqual([]);
  });
});

/** Two letters for a number. */
function letters(i: number): string {
  return String.fromCharCode(65 + Math.floor(i / 26), 65 + (i % 26));
}
