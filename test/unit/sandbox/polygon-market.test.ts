import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { spellingOf } from "../../../dev/market/symbology.ts";
import { HOUR_MS } from "../../../src/domain/time.ts";
import { hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { OPEN_MS, POLYGON_HEADERS, startTestSandbox } from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const NOON_MS = OPEN_MS + 2 * HOUR_MS;
const EVENING_MS = OPEN_MS + 12 * HOUR_MS;
const GROUPED = "/v2/aggs/grouped/locale/us/market/stocks";
const groupedSchema = z.strictObject({
  queryCount: z.int(),
  resultsCount: z.int(),
  adjusted: z.literal(false),
  results: z
    .array(
      z.looseObject({ T: z.string(), t: z.int(), o: z.number(), c: z.number(), v: z.number() }),
    )
    .optional(),
  status: z.literal("OK"),
  request_id: z.string(),
  count: z.int(),
});
const snapshotRowSchema = z.looseObject({
  ticker: z.string(),
  error: z.string().optional(),
  market_status: z.string().optional(),
  last_quote: z
    .strictObject({
      ask: z.number(),
      ask_size: z.int(),
      bid: z.number(),
      bid_size: z.int(),
      midpoint: z.number(),
      last_updated: z.number(),
      timeframe: z.literal("REAL-TIME"),
    })
    .optional(),
});
const pageSchema = <Row extends z.ZodType>(row: Row) =>
  z.looseObject({ results: z.array(row), status: z.string(), next_url: z.url().optional() });
const tickerSchema = z.looseObject({ ticker: z.string(), composite_figi: z.string() });

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => sandbox.setNow(NOON_MS));
afterAll(() => sandbox.stop());

async function getJson(path: string): Promise<unknown> {
  const response = await sandbox.get(path, POLYGON_HEADERS);
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  return body;
}

async function getRows<Row extends z.ZodType>(path: string, row: Row): Promise<z.infer<Row>[]> {
  const rows: z.infer<Row>[] = [];
  let next: string | undefined = path;
  for (let pages = 0; next !== undefined && pages < 100; pages += 1) {
    const page = pageSchema(row).parse(await getJson(next));
    rows.push(...page.results);
    next = page.next_url;
  }
  return rows;
}

const keysOf = (value: unknown): string[] => Object.keys(z.looseObject({}).parse(value)).sort();

describe("the grouped day of the sandbox as Polygon", () => {
  it("is every symbol's own daily bar in one answer, stamped 16:00 New York", async () => {
    sandbox.setNow(EVENING_MS);
    const body = groupedSchema.parse(await getJson(`${GROUPED}/2026-03-19?adjusted=false`));
    expect(body.count).toBe(body.results?.length);
    expect(body.count).toBeGreaterThan(290);
    for (const { symbol } of sandbox.market.symbols) {
      const ticker = spellingOf("polygon", symbol);
      const row = body.results?.find(({ T: name }) => name === ticker);
      const truth = sandbox.market.dailyBar(symbol, "2026-03-19");
      expect({ ...row, T: "", t: 0 }).toEqual({ T: "", t: 0, ...truth });
      expect(row?.t).toBe(Date.parse("2026-03-19T20:00:00Z"));
    }
  });

  it.each(["2026-03-20", "2026-03-21", "2026-07-03"])("is empty for %s at noon", async (date) => {
    const body = groupedSchema.parse(await getJson(`${GROUPED}/${date}?adjusted=false`));
    expect([body.count, "results" in body]).toEqual([0, false]);
  });

  it.each(["today", "1774013400000", "1970-01-01"])("answers 400 to %s", async (date) => {
    expect((await sandbox.get(`${GROUPED}/${date}`, POLYGON_HEADERS)).status).toBe(400);
  });

  it("agrees with the daily range of a ticker, which begins at midnight", async () => {
    sandbox.setNow(EVENING_MS);
    const path = "/v2/aggs/ticker/AAPL/range/1/day/2026-03-16/2026-03-19?adjusted=false&limit=3";
    const rows = await getRows(path, z.looseObject({ t: z.int(), v: z.number() }));
    expect(rows.map(({ t }) => new Date(t).toISOString().slice(0, 16))).toEqual(
      [16, 17, 18, 19].map((day) => `2026-03-${day}T04:00`),
    );
    expect(rows.at(-1)?.v).toBe(sandbox.market.dailyBar("AAPL", "2026-03-19")?.v);
  });
});

describe("snapshots of the sandbox as Polygon", () => {
  it("give quotes in lots and nanoseconds, and an unknown ticker as a row", async () => {
    const path = "/v3/snapshot?ticker.any_of=AAPL,ZZZZZ,BRK.B&type=stocks&limit=250";
    const rows = await getRows(path, snapshotRowSchema);
    expect(rows.map(({ ticker, error }) => [ticker, error])).toEqual([
      ["AAPL", undefined],
      ["ZZZZZ", "NOT_FOUND"],
      ["BRK.B", undefined],
    ]);
    const truth = sandbox.market.quote("AAPL", NOON_MS);
    expect(rows[0]?.last_quote).toMatchObject({ bid: truth?.bid, ask: truth?.ask });
    expect(rows[0]?.last_quote?.bid_size).toBe((truth?.bidSize ?? 0) / 100);
    expect((rows[0]?.last_quote?.last_updated ?? 0) / 1e6).toBe(truth?.at);
    expect(rows[0]?.market_status).toBe("open");
  });

  it("are ten without a limit, at most 250, and the whole market by pages", async () => {
    const first = pageSchema(snapshotRowSchema).parse(await getJson("/v3/snapshot?type=stocks"));
    expect([first.results.length, first.next_url === undefined]).toEqual([10, false]);
    const all = await getRows("/v3/snapshot?type=stocks&limit=250", snapshotRowSchema);
    expect(new Set(all.map(({ ticker }) => ticker)).size).toBe(300);
    const many = Array.from({ length: 251 }, () => "AAPL").join(",");
    const refused = await sandbox.get(`/v3/snapshot?ticker.any_of=${many}`, POLYGON_HEADERS);
    expect(refused.status).toBe(400);
  });
});

describe("splits of the sandbox as Polygon", () => {
  const splitSchema = z.strictObject({
    ticker: z.string(),
    execution_date: z.iso.date(),
    split_from: z.number(),
    split_to: z.number(),
  });
  const path = "/v3/reference/splits?execution_date.gte=2024-01-01&execution_date.lte=2027-01-01";
  const keyOf = (ticker: string, date: string) => `${date} ${ticker}`;

  it("are those that are announced and not called off, by pages, ten without a limit", async () => {
    const told = async (nowMs: number) => {
      sandbox.setNow(nowMs);
      const rows = await getRows(`${path}&order=asc&limit=3`, splitSchema);
      return rows.map((row) => keyOf(row.ticker, row.execution_date));
    };
    const called = sandbox.market.splits.find(
      ({ exDate, withdrawnAtMs }) => exDate > "2024-06-01" && withdrawnAtMs !== null,
    );
    if (called === undefined) throw new Error("no split is called off");
    const { symbol, exDate, announcedAtMs, withdrawnAtMs } = called;
    const key = keyOf(spellingOf("polygon", symbol), exDate);
    expect(await told(announcedAtMs - 1)).not.toContain(key);
    expect(await told(announcedAtMs)).toContain(key);
    expect(await told(withdrawnAtMs ?? 0)).not.toContain(key);
    sandbox.setNow(NOON_MS);
    const all = await told(NOON_MS);
    expect(all).toEqual(all.toSorted());
    const first = pageSchema(splitSchema).parse(await getJson(path));
    expect(first.results.length).toBeLessThanOrEqual(10);
  });

  it.each(["execution_date.gte=soon", "limit=1001", "order=up"])(
    "answer 400 to %s",
    async (bad) => {
      expect((await sandbox.get(`/v3/reference/splits?${bad}`, POLYGON_HEADERS)).status).toBe(400);
    },
  );
});

describe("reference tickers of the sandbox as Polygon", () => {
  it("page to the whole listing without the key in next_url", async () => {
    const path = "/v3/reference/tickers?market=stocks&active=true&limit=70";
    const rows = await getRows(path, tickerSchema);
    expect(rows.map(({ ticker }) => ticker)).toEqual(
      sandbox.market.symbols.map(({ symbol }) => spellingOf("polygon", symbol)),
    );
    expect(new Set(rows.map(({ composite_figi: figi }) => figi)).size).toBe(300);
    const response = await sandbox.get(`${path}&apiKey=api-key`, {});
    const page = pageSchema(tickerSchema).parse(await response.json());
    expect(
      Buffer.from(page.next_url?.split("cursor=")[1] ?? "", "base64").toString(),
    ).not.toContain("api-key");
  });

  it("are those of the listing that was given, in its order", async () => {
    const own = await startTestSandbox({
      listing: () => [
        { symbol: "RAC.W", name: "R", exchange: "XNYS", type: "WARRANT" },
        { symbol: "BAC$L", name: "B", exchange: "XNYS", type: "PREFERRED" },
        { symbol: "BAC$L", name: "B", exchange: "XNYS", type: "PREFERRED" },
      ],
    });
    const response = await own.get("/v3/reference/tickers", POLYGON_HEADERS);
    await own.stop();
    const { results } = pageSchema(z.looseObject({ ticker: z.string(), type: z.string() })).parse(
      await response.json(),
    );
    expect(results.map(({ ticker, type }) => [ticker, type])).toEqual([
      ["RAC.WS", "WARRANT"],
      ["BACpL", "PFD"],
      ["BACpL", "PFD"],
    ]);
  });
});

it("keeps Polygon's quota and tells no header of it", async () => {
  const basic = await startTestSandbox({ callsPerMinute: { polygon: 1 } });
  const call = () => basic.get(`${GROUPED}/2026-03-19`, POLYGON_HEADERS);
  expect((await call()).status).toBe(200);
  const limited = await call();
  await basic.stop();
  expect(limited.status).toBe(429);
  expect([...limited.headers.keys()].filter((name) => /rate|retry/.test(name))).toEqual([]);
});

describe.skipIf(!hasPayloads)("the sandbox's Polygon answers next to recorded ones", () => {
  const rowsSchema = z.looseObject({ results: z.array(z.looseObject({})).min(1) });

  it("have the same members in the grouped day", async () => {
    const recorded = rowsSchema.parse(
      JSON.parse(payloadText("polygon", "aggs_grouped_daily.json")),
    );
    const served = rowsSchema.parse(await getJson(`${GROUPED}/2026-03-19?adjusted=false`));
    expect(keysOf(served)).toEqual(keysOf(recorded));
    expect(keysOf(served.results[0])).toEqual(keysOf(recorded.results[0]));
  });

  it("have no member in tickers and snapshots that the recorded ones lack", async () => {
    const page = rowsSchema.parse(JSON.parse(payloadText("polygon", "tickers_page1.json")));
    const served = rowsSchema.parse(await getJson("/v3/reference/tickers?limit=2"));
    expect(keysOf(served)).toEqual(keysOf(page));
    expect(keysOf(page.results[0])).toEqual(expect.arrayContaining(keysOf(served.results[0])));
    const universal = rowsSchema.parse(
      JSON.parse(payloadText("polygon", "snapshot_universal_v3.json")),
    );
    const snapshot = rowsSchema.parse(await getJson("/v3/snapshot?ticker.any_of=AAPL,ZZZZZ"));
    const known = universal.results.flatMap(keysOf);
    expect(known).toEqual(expect.arrayContaining(snapshot.results.flatMap(keysOf)));
    const quoteOf = (rows: z.infer<typeof rowsSchema>) =>
      keysOf(rows.results.find((row) => "last_quote" in row)?.["last_quote"]);
    expect(quoteOf(snapshot)).toEqual(quoteOf(universal));
  });
});
