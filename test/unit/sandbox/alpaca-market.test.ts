import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { dailyVersionsOf } from "../../../dev/market/truth.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import {
  ALPACA_HEADERS,
  IEX_HEADERS,
  OPEN_MS,
  startTestSandbox,
} from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const NOON_MS = OPEN_MS + 2 * HOUR_MS;
const EVENING_MS = OPEN_MS + 12 * HOUR_MS;
const barSchema = z.strictObject({
  t: z.string(),
  o: z.number(),
  h: z.number(),
  l: z.number(),
  c: z.number(),
  v: z.int(),
  n: z.int(),
  vw: z.number(),
});
const barsSchema = z.strictObject({
  bars: z.record(z.string(), z.array(barSchema)),
  next_page_token: z.string().nullable(),
});
const quoteSchema = z.strictObject({
  t: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$/),
  ax: z.string().length(1),
  ap: z.number(),
  as: z.int(),
  bx: z.string().length(1),
  bp: z.number(),
  bs: z.int(),
  c: z.array(z.string()),
  z: z.enum(["A", "B", "C"]),
});
const quotesSchema = z.strictObject({ quotes: z.record(z.string(), quoteSchema) });

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => sandbox.setNow(NOON_MS));
afterAll(() => sandbox.stop());

async function getJson(path: string, headers: Record<string, string> = ALPACA_HEADERS) {
  const response = await sandbox.get(path, headers);
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  return body;
}

const keysOf = (value: unknown): string[] => Object.keys(z.looseObject({}).parse(value)).sort();

describe("daily bars of the sandbox as Alpaca", () => {
  const path = "/v2/stocks/bars?timeframe=1Day&feed=sip&adjustment=raw";

  it("are those of the truth, under New York midnight", async () => {
    sandbox.setNow(EVENING_MS);
    const query = "symbols=MSFT,AAPL&start=2026-03-05&end=2026-03-20";
    const { bars } = barsSchema.parse(await getJson(`${path}&${query}`));
    expect(Object.keys(bars)).toEqual(["AAPL", "MSFT"]);
    // The clocks changed on 2026-03-08.
    expect(bars["AAPL"]?.map(({ t }) => t).slice(0, 3)).toEqual([
      "2026-03-05T05:00:00Z",
      "2026-03-06T05:00:00Z",
      "2026-03-09T04:00:00Z",
    ]);
    expect(bars["AAPL"]?.length).toBe(12);
    for (const { t, ...bar } of bars["AAPL"] ?? []) {
      const versions = dailyVersionsOf(
        sandbox.publication,
        "alpaca",
        "sip",
        "AAPL",
        t.slice(0, 10),
      );
      expect(bar).toEqual(versions.at(-1)?.bar);
    }
  });

  it("page to exactly the whole, up and down", async () => {
    sandbox.setNow(EVENING_MS);
    for (const sort of ["asc", "desc"]) {
      const query = `${path}&symbols=AAPL,MSFT&start=2026-03-01&sort=${sort}`;
      const whole = barsSchema.parse(await getJson(query));
      const times: string[] = [];
      let token: string | null = null;
      do {
        const more = token === null ? "" : `&page_token=${encodeURIComponent(token)}`;
        const page = barsSchema.parse(await getJson(`${query}&limit=4${more}`));
        times.push(...Object.values(page.bars).flatMap((bars) => bars.map(({ t }) => t)));
        token = page.next_page_token;
      } while (token !== null && times.length < 1_000);
      expect(times).toEqual(Object.values(whole.bars).flatMap((bars) => bars.map(({ t }) => t)));
      expect(times.length).toBe(30);
    }
  });

  it("lack the running day, and refuse a range of decades", async () => {
    const { bars } = barsSchema.parse(await getJson(`${path}&symbols=AAPL&start=2026-03-19`));
    expect(bars["AAPL"]?.map(({ t }) => t)).toEqual(["2026-03-19T04:00:00Z"]);
    for (const start of ["1970-01-01", "1991-01-01", "0001-01-01T00:00:00Z"]) {
      const response = await sandbox.get(`${path}&symbols=AAPL&start=${start}`, ALPACA_HEADERS);
      expect(response.status).toBe(400);
    }
  });
});

describe("latest quotes of the sandbox as Alpaca", () => {
  const path = "/v2/stocks/quotes/latest";

  it("are of the market and not older than it says", async () => {
    const { quotes } = quotesSchema.parse(
      await getJson(`${path}?symbols=AAPL,BRK.B,ZZZZZ&feed=sip`),
    );
    expect(Object.keys(quotes)).toEqual(["AAPL", "BRK.B"]);
    for (const [symbol, { t, bp, ap, bs, as: size }] of Object.entries(quotes)) {
      const truth = sandbox.market.quote(symbol, NOON_MS - SECOND_MS);
      expect({ bid: bp, ask: ap, bidSize: bs, askSize: size }).toMatchObject({
        bid: truth?.bid,
        ask: truth?.ask,
        bidSize: truth?.bidSize,
        askSize: truth?.askSize,
      });
      expect(Date.parse(t)).toBeLessThanOrEqual(NOON_MS);
      expect(Math.floor(Date.parse(t) / SECOND_MS) * SECOND_MS).toBe(truth?.at);
    }
  });

  it("of feed iex are of one venue; those of delayed_sip a quarter of an hour old", async () => {
    const iex = quotesSchema.parse(await getJson(`${path}?symbols=AAPL&feed=iex`, IEX_HEADERS));
    const sip = quotesSchema.parse(await getJson(`${path}?symbols=AAPL`));
    expect([iex.quotes["AAPL"]?.ax, iex.quotes["AAPL"]?.bx]).toEqual(["V", "V"]);
    expect(iex.quotes["AAPL"]?.bp).toBeLessThanOrEqual(sip.quotes["AAPL"]?.bp ?? 0);
    const old = quotesSchema.parse(await getJson(`${path}?symbols=AAPL&feed=delayed_sip`));
    expect(Date.parse(old.quotes["AAPL"]?.t ?? "")).toBeLessThan(NOON_MS - 15 * MINUTE_MS);
  });

  it("fail as a whole for one malformed symbol", async () => {
    const response = await sandbox.get(`${path}?symbols=AAPL,BAC-L`, ALPACA_HEADERS);
    expect([response.status, await response.json()]).toEqual([
      400,
      { message: "invalid symbol: BAC-L" },
    ]);
  });

  it("have sides of 0 after hours", async () => {
    sandbox.setNow(OPEN_MS + 8 * HOUR_MS);
    const symbols = sandbox.market.symbols.slice(0, 200).map(({ symbol }) => symbol);
    const { quotes } = quotesSchema.parse(await getJson(`${path}?symbols=${symbols.join(",")}`));
    const empty = Object.values(quotes).filter(({ bp, bs }) => bp === 0 && bs === 0);
    expect(empty.length).toBeGreaterThan(5);
  });

  it("count and fall sick for iex by its own key", async () => {
    const before = sandbox.stats();
    sandbox.setFault("iex", "down");
    const sick = await sandbox.get(`${path}?symbols=AAPL&feed=iex`, IEX_HEADERS);
    expect(sick.status).toBe(503);
    await getJson(`${path}?symbols=AAPL`);
    sandbox.setFault("iex", null);
    const after = sandbox.stats();
    expect(after.iex.requests - before.iex.requests).toBe(1);
    expect(after.alpaca.requests - before.alpaca.requests).toBe(1);
    expect(after.iex.endpoints["quotes_l1"]).toBeGreaterThan(0);
  });
});

describe("the trading host of the sandbox as Alpaca", () => {
  it("lists assets in Alpaca's spelling", async () => {
    const schema = z.array(z.looseObject({ symbol: z.string(), status: z.literal("active") }));
    const path = "/v2/assets?status=active&asset_class=us_equity";
    const assets = schema.parse(await getJson(path));
    expect(assets.map(({ symbol }) => symbol)).toEqual(
      sandbox.market.symbols.map(({ symbol }) => symbol),
    );
    expect(await getJson("/v2/assets?status=inactive")).toEqual([]);
  });

  it("knows early closes and holidays", async () => {
    const days = await getJson("/v2/calendar?start=2025-11-26&end=2025-11-28");
    expect(days).toEqual([
      {
        date: "2025-11-26",
        open: "09:30",
        close: "16:00",
        session_open: "0400",
        session_close: "2000",
      },
      {
        date: "2025-11-28",
        open: "09:30",
        close: "13:00",
        session_open: "0400",
        session_close: "1700",
      },
    ]);
  });

  it.skipIf(!hasPayloads)("words its 429 as recorded", async () => {
    sandbox.setFault("alpaca", "rate_limited", { endpoint: "symbols" });
    const limited = await sandbox.get("/v2/assets", ALPACA_HEADERS);
    sandbox.setFault("alpaca", null);
    const recorded = errorResponse("alpaca", "err_429_trading.json");
    expect([limited.status, await limited.json()]).toEqual([
      recorded.status,
      JSON.parse(recorded.body),
    ]);
  });
});

describe.skipIf(!hasPayloads)("the sandbox's Alpaca answers next to recorded ones", () => {
  it("have the same members in quotes and assets, and are the same when there is nothing", async () => {
    const recorded = quotesSchema.parse(
      JSON.parse(payloadText("alpaca", "py_get_latest_quote.json")),
    );
    const served = quotesSchema.parse(await getJson("/v2/stocks/quotes/latest?symbols=AAPL"));
    expect(keysOf(served.quotes["AAPL"])).toEqual(keysOf(recorded.quotes["AAPL"]));
    const empty: unknown = JSON.parse(
      payloadText("alpaca", "py_get_latest_quote_multi_empty_response.json"),
    );
    expect(await getJson("/v2/stocks/quotes/latest?symbols=ZZZZZ")).toEqual(empty);
    const listSchema = z.array(z.looseObject({})).min(1);
    const assets = listSchema.parse(JSON.parse(payloadText("alpaca", "assets.json")));
    const listed = listSchema.parse(await getJson("/v2/assets"));
    expect(keysOf(listed[0])).toEqual(keysOf(assets[0]));
  });
});
