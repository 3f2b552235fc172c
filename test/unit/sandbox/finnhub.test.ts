import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { versionsOf } from "../../../dev/market/truth.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { FINNHUB_HEADERS, OPEN_MS, startTestSandbox } from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

/** Past the first 20 s of a minute. */
const NOON_MS = OPEN_MS + 2 * HOUR_MS + 25 * SECOND_MS;
const column = z.array(z.number());
const candleSchema = z.strictObject({
  c: column,
  h: column,
  l: column,
  o: column,
  s: z.literal("ok"),
  t: column,
  v: column,
});

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox({ callsPerMinute: { finnhub: 10_000 } });
});
beforeEach(() => sandbox.setNow(NOON_MS));
afterAll(() => sandbox.stop());

async function getJson(path: string): Promise<unknown> {
  const response = await sandbox.get(`/api/v1${path}`, FINNHUB_HEADERS);
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  return body;
}

function candlePath(symbol: string, resolution: string, fromMs: number, toMs: number): string {
  const range = `from=${fromMs / SECOND_MS}&to=${toMs / SECOND_MS}`;
  return `/stock/candle?symbol=${symbol}&resolution=${resolution}&${range}`;
}

const keysOf = (value: unknown): string[] => Object.keys(z.looseObject({}).parse(value)).sort();

describe("the sandbox as Finnhub", () => {
  it("gives minutes as columns of equal length, in seconds, as its own dialect has them", async () => {
    const path = candlePath("AAPL", "1", OPEN_MS, OPEN_MS + 10 * MINUTE_MS);
    const { s: _s, ...columns } = candleSchema.parse(await getJson(path));
    expect(Object.values(columns).map((values) => values.length)).toEqual([11, 11, 11, 11, 11, 11]);
    for (const [index, second] of columns.t.entries()) {
      const ts = second * SECOND_MS;
      const bar = versionsOf(sandbox.publication, "finnhub", "finnhub", "AAPL", ts).at(-1)?.bar;
      const { o, h, l, c, v } = columns;
      expect({ o: o[index], h: h[index], l: l[index], c: c[index], v: v[index] }).toEqual(bar);
    }
  });

  it("stamps a day at 00:00 UTC of its date", async () => {
    const from = Date.parse("2026-03-06T00:00:00Z");
    const { t } = candleSchema.parse(
      await getJson(candlePath("AAPL", "D", from, Date.parse("2026-03-10T00:00:00Z"))),
    );
    expect(t.map((second) => new Date(second * SECOND_MS).toISOString())).toEqual([
      "2026-03-06T00:00:00.000Z",
      "2026-03-09T00:00:00.000Z",
      "2026-03-10T00:00:00.000Z",
    ]);
  });

  it("says no_data without columns for nothing, and early in a minute for some that have data", async () => {
    const path = (symbol: string) => candlePath(symbol, "1", OPEN_MS, OPEN_MS + HOUR_MS);
    expect(await getJson(path("ZZZZZ"))).toEqual({ s: "no_data" });
    const liquid = sandbox.market.symbols.slice(0, 30).map(({ symbol }) => symbol);
    const unsure = async () => {
      const answers = await Promise.all(liquid.map((symbol) => getJson(path(symbol))));
      return answers.filter((body) => keysOf(body).length === 1).length;
    };
    expect(await unsure()).toBe(0);
    sandbox.setNow(NOON_MS + 40 * SECOND_MS);
    expect(await unsure()).toBeGreaterThan(2);
    expect(await unsure()).toBeLessThan(25);
  });

  it("quotes a last price without sides, and zeros for what it does not know", async () => {
    const schema = z.strictObject({
      c: z.number(),
      d: z.number(),
      dp: z.number(),
      h: z.number(),
      l: z.number(),
      o: z.number(),
      pc: z.number(),
      t: z.int(),
    });
    const quote = schema.parse(await getJson("/quote?symbol=AAPL"));
    const truth = sandbox.market.quote("AAPL", NOON_MS);
    expect(quote.c).toBeCloseTo(((truth?.bid ?? 0) + (truth?.ask ?? 0)) / 2, 4);
    expect(quote.t * SECOND_MS).toBe(truth?.at);
    expect(quote.pc).toBe(sandbox.market.dailyBar("AAPL", "2026-03-19")?.c);
  });

  it("lists symbols of the US, of one venue when asked", async () => {
    const schema = z.array(z.looseObject({ symbol: z.string(), mic: z.string() }));
    const all = schema.parse(await getJson("/stock/symbol?exchange=US"));
    expect(all.length).toBe(300);
    const some = schema.parse(await getJson("/stock/symbol?exchange=US&mic=XNYS"));
    expect(some).toEqual(all.filter(({ mic }) => mic === "XNYS"));
  });

  it.each([
    ["/stock/candle?symbol=AAPL&resolution=7&from=1&to=2", 422],
    ["/stock/candle?resolution=1&from=1&to=2", 422],
    [candlePath("AAPL", "1", OPEN_MS - 40 * 24 * HOUR_MS, OPEN_MS), 422],
    [candlePath("AAPL", "D", 0, OPEN_MS), 422],
    ["/stock/symbol?exchange=T", 422],
    ["/stock/bidask?symbol=AAPL", 404],
  ])("refuses %s", async (path, status) => {
    const response = await sandbox.get(`/api/v1${path}`, FINNHUB_HEADERS);
    expect([response.status, keysOf(await response.json())]).toEqual([status, ["error"]]);
  });

  it("keeps its quota by the minute and tells it in headers", async () => {
    const free = await startTestSandbox({ callsPerMinute: { finnhub: 1 } });
    const call = () => free.get("/api/v1/quote?symbol=AAPL&token=token", {});
    const first = await call();
    const second = await call();
    await free.stop();
    expect([first.status, second.status]).toEqual([200, 429]);
    expect(first.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(second.headers.has("x-ratelimit-reset")).toBe(true);
  });
});

describe.skipIf(!hasPayloads)("the sandbox's Finnhub answers next to recorded ones", () => {
  it.each([
    ["candle_1m.json", candlePath("AAPL", "1", OPEN_MS, OPEN_MS + HOUR_MS)],
    ["candle_no_data.json", candlePath("ZZZZZ", "1", OPEN_MS, OPEN_MS + HOUR_MS)],
    ["quote.json", "/quote?symbol=AAPL"],
  ])("have the members of %s", async (file, path) => {
    expect(keysOf(await getJson(path))).toEqual(keysOf(JSON.parse(payloadText("finnhub", file))));
  });

  it("are the same for an unknown symbol's quote, and list with the same members", async () => {
    const zeros: unknown = JSON.parse(payloadText("finnhub", "quote_all_zero.json"));
    expect(await getJson("/quote?symbol=ZZZZZ")).toEqual(zeros);
    const list = z.array(z.looseObject({})).min(1);
    const recorded = list.parse(JSON.parse(payloadText("finnhub", "symbols.json")));
    const served = list.parse(await getJson("/stock/symbol?exchange=US"));
    expect(keysOf(served[0])).toEqual(keysOf(recorded[0]));
  });

  it.each([
    ["err_401_no_key.json", {}, null],
    ["err_401_invalid_key.json", { "x-finnhub-token": "x" }, null],
    ["err_403_premium.json", FINNHUB_HEADERS, "not_entitled"],
    ["err_429.json", FINNHUB_HEADERS, "rate_limited"],
  ] as const)("are the same as %s", async (file, headers, fault) => {
    sandbox.setFault("finnhub", fault, { endpoint: "bars_1m" });
    const path = `/api/v1${candlePath("AAPL", "1", OPEN_MS, OPEN_MS + HOUR_MS)}`;
    const response = await sandbox.get(path, { ...headers });
    sandbox.setFault("finnhub", null);
    const recorded = errorResponse("finnhub", file);
    expect([response.status, await response.json()]).toEqual([
      recorded.status,
      JSON.parse(recorded.body),
    ]);
    for (const name of Object.keys(recorded.headers)) expect(response.headers.has(name)).toBe(true);
  });
});
