import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { versionsOf } from "../../../dev/market/truth.ts";
import { MINUTE_MS, SECOND_MS, toIso } from "../../../src/domain/time.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { ALPACA_HEADERS, OPEN_MS, startTestSandbox } from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const NOON_MS = OPEN_MS + 120 * MINUTE_MS;
const barSchema = z.strictObject({
  t: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z$/),
  o: z.number(),
  h: z.number(),
  l: z.number(),
  c: z.number(),
  v: z.int(),
  n: z.int(),
  vw: z.number(),
});
const pageSchema = z.strictObject({
  bars: z.record(z.string(), z.array(barSchema)),
  next_page_token: z.string().nullable(),
});
type Page = z.infer<typeof pageSchema>;

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => sandbox.setNow(NOON_MS));
afterAll(() => sandbox.stop());

function barsPath(query: Record<string, string>): string {
  const params = new URLSearchParams({ timeframe: "1Min", start: toIso(OPEN_MS), ...query });
  return `/v2/stocks/bars?${params.toString()}`;
}

async function getPage(query: Record<string, string>): Promise<Page> {
  const response = await sandbox.get(barsPath(query), ALPACA_HEADERS);
  expect(response.status).toBe(200);
  return pageSchema.parse(await response.json());
}

/** `SYMBOL time` of every point, in the order served. */
function pointsOf(page: Page): string[] {
  return Object.entries(page.bars).flatMap(([symbol, bars]) =>
    bars.map(({ t }) => `${symbol} ${t}`),
  );
}

async function getAllPages(query: Record<string, string>): Promise<Page[]> {
  const pages = [await getPage(query)];
  for (;;) {
    const token = pages.at(-1)?.next_page_token ?? null;
    if (token === null || pages.length > 200) return pages;
    pages.push(await getPage({ ...query, page_token: token }));
  }
}

describe("the sandbox as Alpaca", () => {
  it("serves sip bars as the truth says, sorted by symbol and time, both ends inclusive", async () => {
    const end = OPEN_MS + 10 * MINUTE_MS;
    const page = await getPage({ symbols: "MSFT,AAPL,MSFT", end: toIso(end) });
    expect(Object.keys(page.bars)).toEqual(["AAPL", "MSFT"]);
    for (const [symbol, bars] of Object.entries(page.bars)) {
      expect(bars.map(({ t }) => Date.parse(t))).toEqual(
        Array.from({ length: 11 }, (_, minute) => OPEN_MS + minute * MINUTE_MS),
      );
      for (const { t, ...bar } of bars) {
        const versions = versionsOf(sandbox.publication, "alpaca", "sip", symbol, Date.parse(t));
        expect(bar).toEqual(versions.at(-1)?.bar);
      }
    }
  });

  it("pages to exactly the whole, with symbols that straddle pages", async () => {
    const query = { symbols: "AAPL,MSFT,NVDA,SPY,ZZZZZ" };
    const whole = await getPage({ ...query, limit: "10000" });
    const pages = await getAllPages({ ...query, limit: "37" });
    expect(pages.flatMap(pointsOf)).toEqual(pointsOf(whole));
    expect(pages.slice(0, -1).every((page) => pointsOf(page).length === 37)).toBe(true);
    expect(pages.some((page) => Object.keys(page.bars).length === 2)).toBe(true);
    expect(whole.next_page_token).toBeNull();
  });

  it("ends with a null token when the last page is full", async () => {
    const page = await getPage({
      symbols: "AAPL",
      end: toIso(OPEN_MS + 4 * MINUTE_MS),
      limit: "5",
    });
    expect(pointsOf(page)).toHaveLength(5);
    expect(page.next_page_token).toBeNull();
  });

  it("pages backwards when asked for the newest first", async () => {
    const pages = await getAllPages({ symbols: "AAPL", sort: "desc", limit: "50" });
    const whole = await getPage({ symbols: "AAPL", limit: "10000" });
    expect(pages.flatMap(pointsOf)).toEqual(pointsOf(whole).toReversed());
  });

  it("shows a bar from the second after its minute, and a late or corrected one when published", async () => {
    const symbols = sandbox.market.symbols.slice(0, 100).map(({ symbol }) => symbol);
    const query = { symbols: symbols.join(","), end: toIso(NOON_MS), limit: "10000" };
    sandbox.setNow(OPEN_MS + MINUTE_MS + SECOND_MS - 1);
    expect(pointsOf(await getPage(query))).toEqual([]);
    for (const nowMs of [OPEN_MS + MINUTE_MS + SECOND_MS, OPEN_MS + 25.5 * MINUTE_MS]) {
      sandbox.setNow(nowMs);
      const page = await getPage(query);
      for (const symbol of symbols) {
        const expected = Array.from(
          { length: 30 },
          (_, minute) => OPEN_MS + minute * MINUTE_MS,
        ).flatMap((ts) => {
          const versions = versionsOf(sandbox.publication, "alpaca", "sip", symbol, ts);
          const newest = versions.findLast(({ visibleAtMs }) => visibleAtMs <= nowMs);
          return newest === undefined ? [] : [{ t: `${toIso(ts).slice(0, 19)}Z`, ...newest.bar }];
        });
        expect(page.bars[symbol] ?? []).toEqual(expected);
      }
    }
  });

  it("serves less on feed iex", async () => {
    const sip = pointsOf(await getPage({ symbols: "AAPL", limit: "10000" })).length;
    const iex = pointsOf(await getPage({ symbols: "AAPL", limit: "10000", feed: "iex" })).length;
    expect(iex).toBeGreaterThan(sip / 5);
    expect(iex).toBeLessThan(sip / 2);
  });

  it("reads a date as the whole New York date", async () => {
    sandbox.setNow(OPEN_MS + 5 * 24 * 60 * MINUTE_MS);
    const page = await getPage({
      symbols: "SPY",
      start: "2026-03-20",
      end: "2026-03-20",
      limit: "10000",
    });
    expect(pointsOf(page)).toHaveLength(391);
  });

  it("begins at New York's midnight of today when no start is given", async () => {
    const response = await sandbox.get(
      "/v2/stocks/bars?timeframe=1Min&symbols=SPY",
      ALPACA_HEADERS,
    );
    expect(pointsOf(pageSchema.parse(await response.json())).length).toBe(119);
  });

  it("serves one symbol under its own path", async () => {
    const path = `/v2/stocks/BRK.B/bars?timeframe=1Min&start=${toIso(OPEN_MS)}&limit=3`;
    const response = await sandbox.get(path, ALPACA_HEADERS);
    const schema = z.strictObject({
      symbol: z.literal("BRK.B"),
      bars: z.array(barSchema).length(3),
      next_page_token: z.string(),
    });
    schema.parse(await response.json());
    const two = await sandbox.get(path.replace("BRK.B", "AAPL,MSFT"), ALPACA_HEADERS);
    expect(await two.json()).toEqual({ message: "invalid symbol: AAPL,MSFT" });
  });

  it("tells the quota on every answer, in epoch seconds of market time", async () => {
    const response = await sandbox.get(barsPath({ symbols: "AAPL" }), ALPACA_HEADERS);
    expect(response.headers.get("x-ratelimit-limit")).toBe("10000");
    expect(Number(response.headers.get("x-ratelimit-remaining"))).toBeLessThan(10_000);
    expect(response.headers.get("x-ratelimit-reset")).toBe(String(NOON_MS / SECOND_MS + 60));
  });

  it("refuses calls over the quota until the market minute ends", async () => {
    const poor = await startTestSandbox({ alpacaCallsPerMinute: 1 });
    const call = async (): Promise<number> =>
      (await poor.get(barsPath({ symbols: "AAPL" }), ALPACA_HEADERS)).status;
    expect([await call(), await call()]).toEqual([200, 429]);
    poor.setNow(NOON_MS + MINUTE_MS);
    expect(await call()).toBe(200);
    await poor.stop();
  });

  it.each([
    ["a malformed symbol", { symbols: "AAPL,YZCDE2" }, "invalid symbol: YZCDE2"],
    ["a lower-case symbol", { symbols: "aapl" }, "invalid symbol: aapl"],
    ["another timeframe", { symbols: "AAPL", timeframe: "5Min" }, "invalid timeframe: 5Min"],
    ["a limit over 10,000", { symbols: "AAPL", limit: "10001" }, "invalid limit: 10001"],
    ["an unknown feed", { symbols: "AAPL", feed: "otc" }, "invalid feed: otc"],
    ["a start that is no time", { symbols: "AAPL", start: "today" }, "invalid start: today"],
    ["a foreign token", { symbols: "AAPL", page_token: "eHl6" }, "invalid page_token"],
    ["no symbol", {}, "symbols is required"],
  ])("answers 400 to %s", async (_name, query, message) => {
    const response = await sandbox.get(barsPath(query), ALPACA_HEADERS);
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 400,
      body: { message },
    });
  });

  it("answers a URL over 8 KB with 414 and a page", async () => {
    const symbols = Array.from({ length: 2_000 }, () => "AAPL").join(",");
    const response = await sandbox.get(barsPath({ symbols }), ALPACA_HEADERS);
    expect([response.status, response.headers.get("content-type")]).toEqual([414, "text/html"]);
  });
});

describe.skipIf(!hasPayloads)("the sandbox's Alpaca answers next to recorded ones", () => {
  it("have the same members", async () => {
    const recorded = pageSchema.parse(JSON.parse(payloadText("alpaca", "go_GetMultiBars.json")));
    const page = await getPage({ symbols: "AAPL" });
    expect(Object.keys(page)).toEqual(Object.keys(recorded));
    expect(Object.keys(page.bars["AAPL"]?.[0] ?? {})).toEqual(
      Object.keys(recorded.bars["AAPL"]?.[0] ?? {}),
    );
  });

  it("are the same when there is nothing", async () => {
    const recorded: unknown = JSON.parse(
      payloadText("alpaca", "py_get_bars_single_empty_response.json"),
    );
    expect(await getPage({ symbols: "ZZZZZ" })).toEqual(recorded);
  });

  it.each([
    ["no keys", {}],
    ["a wrong secret", { ...ALPACA_HEADERS, "apca-api-secret-key": "x" }],
    ["a wrong key id", { ...ALPACA_HEADERS, "apca-api-key-id": "x" }],
  ])("are the same for %s", async (_name, headers) => {
    const recorded = errorResponse("alpaca", "err_401.json");
    const response = await sandbox.get(barsPath({ symbols: "AAPL" }), headers);
    expect(response.status).toBe(recorded.status);
    expect(await response.json()).toEqual(JSON.parse(recorded.body));
  });

  it("are the same for a malformed symbol and over the quota", async () => {
    const malformed = await sandbox.get(barsPath({ symbols: "YZCDE2" }), ALPACA_HEADERS);
    expect(await malformed.json()).toEqual(
      JSON.parse(errorResponse("alpaca", "err_400_invalid_symbol.json").body),
    );
    sandbox.setFault("alpaca", "rate_limited");
    const limited = await sandbox.get(barsPath({ symbols: "AAPL" }), ALPACA_HEADERS);
    sandbox.setFault("alpaca", null);
    const recorded = errorResponse("alpaca", "err_429.json");
    expect([limited.status, await limited.json()]).toEqual([
      recorded.status,
      JSON.parse(recorded.body),
    ]);
    for (const name of Object.keys(recorded.headers)) expect(limited.headers.has(name)).toBe(true);
  });
});
