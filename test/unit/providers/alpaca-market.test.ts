import { describe, expect, it } from "vitest";
import { createAlpaca, type AlpacaSettings } from "../../../src/providers/alpaca/index.ts";
import { createIex } from "../../../src/providers/iex/index.ts";
import { IEX_PLANS } from "../../../src/providers/iex/limits.ts";
import { hasCapability } from "../../../src/providers/provider.ts";
import { MAX_URL_BYTES } from "../../../src/providers/url-chunks.ts";
import { validateBars } from "../../../src/providers/validate.ts";
import { jsonAnswer, scriptedDeps } from "../../support/scripted-deps.ts";

const DAY = 86_400_000;
const nowMs = Date.UTC(2026, 2, 20, 20, 20);
const thursday = Date.UTC(2026, 2, 19);
const friday = Date.UTC(2026, 2, 20);
const settings: AlpacaSettings = {
  baseUrl: "https://data.example",
  keyId: "key-id",
  secret: "key-secret",
  feed: "iex",
  plan: "basic",
};
const headers = { "APCA-API-KEY-ID": "key-id", "APCA-API-SECRET-KEY": "key-secret" };

function row(date: string, hour = "04") {
  return { t: `${date}T${hour}:00:00Z`, o: 10, h: 11, l: 9, c: 10.5, v: 100, n: 3, vw: 10.2 };
}

function invalid(symbol: string) {
  return { ...jsonAnswer({ message: `invalid symbol: ${symbol}` }), status: 400 };
}

describe("alpaca daily bars", () => {
  const dates = ["2026-03-20", "2026-03-18"];

  it("are raw ones of sip though minutes are of iex, up to what the plan serves", async () => {
    const { deps, requests } = scriptedDeps(
      () =>
        jsonAnswer({
          bars: { AAPL: [row("2026-03-18"), row("2026-03-19"), row("2026-03-20")] },
          next_page_token: null,
        }),
      nowMs,
    );
    const asked = { symbols: ["AAPL", "BRK.B", "AAPL"], dates };
    const answer = await createAlpaca(settings).fetchDailyBars(asked, deps);
    expect(requests).toEqual([
      {
        url:
          "https://data.example/v2/stocks/bars?symbols=AAPL%2CBRK.B&timeframe=1Day" +
          "&start=2026-03-18T04%3A00%3A00.000Z&end=2026-03-20T20%3A03%3A59.999Z&limit=10000" +
          "&adjustment=raw&asof=-&feed=sip&sort=asc",
        headers,
        timeoutMs: 4_000,
      },
    ]);
    const wednesday = thursday - DAY;
    expect(answer.rows.map(({ symbol, ts }) => [symbol, ts])).toEqual([
      ["AAPL", wednesday],
      ["AAPL", friday],
    ]);
    const symbols = ["AAPL", "BRK.B"];
    expect(answer.covered).toEqual([
      { symbols, startMs: wednesday, endMs: thursday },
      { symbols, startMs: friday, endMs: friday + DAY },
    ]);
    expect(answer).toMatchObject({ feed: "sip", failure: null });
    expect(answer.calls[0]?.endpoint).toBe("daily");
  });

  it("are of the New York date in winter too, and one of another date is refused", async () => {
    const { deps } = scriptedDeps(
      () =>
        jsonAnswer({
          bars: { A: [row("2026-01-05", "05"), row("2026-01-02", "05")] },
          next_page_token: null,
        }),
      nowMs,
    );
    const asked = { symbols: ["A"], dates: ["2026-01-05"] };
    const { rows } = await createAlpaca(settings).fetchDailyBars(asked, deps);
    const startMs = Date.UTC(2026, 0, 5);
    const window = { symbols: new Set(["A"]), startMs, endMs: startMs + DAY, alignMs: DAY };
    const { bars, refused } = validateBars(rows, window);
    expect(bars.map(({ ts }) => ts)).toEqual([startMs]);
    expect(refused.map(({ reason }) => reason)).toEqual(["misaligned"]);
  });

  it("of a date whose first minute the plan does not serve yet are not asked", async () => {
    const { deps, requests } = scriptedDeps(() => jsonAnswer({}), Date.UTC(2026, 2, 20, 4, 10));
    const alpaca = createAlpaca(settings);
    const answer = await alpaca.fetchDailyBars({ symbols: ["A"], dates: ["2026-03-20"] }, deps);
    expect(answer).toMatchObject({ covered: [], failure: { kind: "not_entitled" } });
    expect(requests).toEqual([]);
    expect(await alpaca.fetchDailyBars({ symbols: ["A"], dates: [] }, deps)).toMatchObject({
      covered: [],
      failure: null,
    });
  });
});

describe("alpaca quotes", () => {
  const quote = { t: "2026-03-20T20:00:00.5Z", bp: 9, bs: 100, bx: "V", ap: 10, as: 200, ax: "V" };

  function quotesOf(url: URL) {
    const symbols = (url.searchParams.get("symbols") ?? "").split(",");
    return jsonAnswer({ quotes: Object.fromEntries(symbols.map((symbol) => [symbol, quote])) });
  }

  it("are of the named feed, in chunks by URL bytes, each symbol once", async () => {
    const symbols = Array.from(
      { length: 400 },
      (_, i) => `SYM${String.fromCharCode(65 + (i % 26), 65 + Math.floor(i / 26))}`,
    );
    const { deps, requests } = scriptedDeps(quotesOf, nowMs);
    const plus = createAlpaca({ ...settings, plan: "plus", feed: "sip" });
    const answer = await plus.fetchQuotes({ symbols: [...symbols, "SYMAA"] }, deps);
    expect(requests[0]?.url).toMatch(
      /^https:\/\/data\.example\/v2\/stocks\/quotes\/latest\?symbols=SYMAA%2C.*&feed=sip$/,
    );
    expect(requests.every(({ url }) => url.length <= MAX_URL_BYTES)).toBe(true);
    expect(requests.length).toBeLessThanOrEqual(2);
    expect(answer.covered).toEqual(symbols);
    expect(answer.quotes[0]).toMatchObject({ venue: null, consolidated: true, feed: "sip" });
  });

  it("lose a malformed symbol but not the batch; a symbol without a quote is covered", async () => {
    const { deps } = scriptedDeps((url, index) => {
      if (index === 0) return invalid("BAD");
      return jsonAnswer({ quotes: { A: quote, NONE: null }, asked: url.search });
    }, nowMs);
    const asked = { symbols: ["A", "BAD", "NONE", "QUIET"] };
    const answer = await createAlpaca(settings).fetchQuotes(asked, deps);
    expect(answer.quotes.map(({ symbol }) => symbol)).toEqual(["A"]);
    expect(answer.covered).toEqual(["A", "NONE", "QUIET"]);
    expect(answer.failure).toMatchObject({ kind: "bad_request", badSymbols: ["BAD"] });
  });

  it("are a capability where the feed is live", () => {
    const has = (change: Partial<AlpacaSettings>) =>
      hasCapability(createAlpaca({ ...settings, ...change }), "quotes_l1");
    expect([has({}), has({ feed: "sip" }), has({ plan: "plus", feed: "sip" })]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("of provider iex are IEX's own on its own account, and never another venue's", async () => {
    const host = { backend: "alpaca", baseUrl: "https://iex.example/", keyId: "i", secret: "s" };
    const iex = createIex({ ...host, backend: "alpaca" });
    const good = scriptedDeps(quotesOf, nowMs);
    const answer = await iex.fetchQuotes({ symbols: ["A"] }, good.deps);
    expect(good.requests).toEqual([
      {
        url: "https://iex.example/v2/stocks/quotes/latest?symbols=A&feed=iex",
        headers: { "APCA-API-KEY-ID": "i", "APCA-API-SECRET-KEY": "s" },
        timeoutMs: 4_000,
      },
    ]);
    expect(answer.quotes).toEqual([
      {
        symbol: "A",
        ts: Date.UTC(2026, 2, 20, 20, 0, 0, 500),
        nsOfMs: 0,
        bid: 9,
        ask: 10,
        bidSize: 100,
        askSize: 200,
        sizeUnit: "shares",
        last: null,
        lastTs: null,
        venue: "IEX",
        consolidated: false,
        feed: "iex",
      },
    ]);
    expect(answer.calls[0]).toMatchObject({ provider: "iex", endpoint: "quotes", code: "ok" });
    expect(iex).toMatchObject({ id: "iex", capabilities: ["quotes_l1"] });
    expect(IEX_PLANS.alpaca.callsPerMinute).toBe(200);

    for (const quotes of [{ A: { ...quote, ax: "Q" } }, { FOREIGN: quote }]) {
      const { deps } = scriptedDeps(() => jsonAnswer({ quotes }), nowMs);
      const refused = await iex.fetchQuotes({ symbols: ["A"] }, deps);
      expect(refused).toMatchObject({ quotes: [], covered: [], failure: { kind: "malformed" } });
    }
  });
});

describe("alpaca symbols", () => {
  it("are the assets of the trading host, paper unless configured", async () => {
    const asset = { class: "us_equity", exchange: "NASDAQ", status: "active", name: "N" };
    const spelled = ["BRK.B", "BAC.PRL", "00507V109"].map((symbol) => ({ ...asset, symbol }));
    const { deps, requests } = scriptedDeps(() => jsonAnswer(spelled), nowMs);
    const answer = await createAlpaca(settings).listSymbols({ page: null }, deps);
    const live = { ...settings, tradingUrl: "https://live.example/" };
    await createAlpaca(live).listSymbols({ page: null }, deps);
    expect(requests.map(({ url }) => url)).toEqual([
      "https://paper-api.alpaca.markets/v2/assets?status=active&asset_class=us_equity",
      "https://live.example/v2/assets?status=active&asset_class=us_equity",
    ]);
    expect(requests[0]?.headers).toEqual(headers);
    expect(answer.listed.map(({ symbol }) => symbol)).toEqual(["BRK.B", "BAC.PRL"]);
    expect(answer).toMatchObject({ unmappable: ["00507V109"], next: null, failure: null });
  });

  it("say why there are none", async () => {
    const forbidden = { ...jsonAnswer({ message: "forbidden." }), status: 403 };
    const { deps } = scriptedDeps(() => forbidden, nowMs);
    const answer = await createAlpaca(settings).listSymbols({ page: null }, deps);
    expect(answer).toMatchObject({ listed: [], next: null, failure: { kind: "unauthorized" } });
  });
});
