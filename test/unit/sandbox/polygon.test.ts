import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { versionsOf } from "../../../dev/market/truth.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/time.ts";
import { errorResponse, hasPayloads, payloadText } from "../../support/provider-payloads.ts";
import { OPEN_MS, POLYGON_HEADERS, startTestSandbox } from "../../support/running-sandbox.ts";
import type { RunningSandbox } from "../../support/running-sandbox.ts";

const NOON_MS = OPEN_MS + 120 * MINUTE_MS;
const barSchema = z.strictObject({
  o: z.number(),
  h: z.number(),
  l: z.number(),
  c: z.number(),
  v: z.number(),
  t: z.int(),
  vw: z.number(),
  n: z.int(),
});
const pageSchema = z.strictObject({
  ticker: z.string(),
  queryCount: z.int(),
  resultsCount: z.int(),
  adjusted: z.boolean(),
  results: z.array(barSchema).min(1).optional(),
  status: z.literal("OK"),
  request_id: z.string().regex(/^[0-9a-f]{32}$/),
  count: z.int(),
  next_url: z.url().optional(),
});
type Page = z.infer<typeof pageSchema>;

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startTestSandbox();
});
beforeEach(() => sandbox.setNow(NOON_MS));
afterAll(() => sandbox.stop());

function aggsPath(ticker: string, from: number | string, to: number | string, query = ""): string {
  return `/v2/aggs/ticker/${ticker}/range/1/minute/${from}/${to}?adjusted=false&${query}`;
}

async function getPage(path: string): Promise<Page> {
  const response = await sandbox.get(path, POLYGON_HEADERS);
  expect(response.status).toBe(200);
  const page = pageSchema.parse(await response.json());
  expect(page.count).toBe(page.results?.length ?? 0);
  expect(response.headers.get("x-request-id")).toBe(page.request_id);
  return page;
}

async function getAllPages(path: string): Promise<Page[]> {
  const pages = [await getPage(path)];
  for (;;) {
    const next = pages.at(-1)?.next_url;
    if (next === undefined || pages.length > 200) return pages;
    pages.push(await getPage(next));
  }
}

function timesOf(page: Page): number[] {
  return (page.results ?? []).map(({ t }) => t);
}

describe("the sandbox as Polygon", () => {
  it("serves the truth with both ends inclusive", async () => {
    const page = await getPage(aggsPath("AAPL", OPEN_MS, OPEN_MS + 10 * MINUTE_MS));
    expect(page).toMatchObject({ ticker: "AAPL", adjusted: false, resultsCount: 11 });
    for (const { t, ...bar } of page.results ?? []) {
      const version = versionsOf(sandbox.publication, "polygon", "sip", "AAPL", t).at(-1);
      expect(bar).toEqual(version?.bar);
      expect(bar).toEqual(sandbox.market.bar("AAPL", t));
    }
  });

  it.each(["asc", "desc"])("pages by next_url to exactly the whole, sorted %s", async (sort) => {
    const whole = await getPage(aggsPath("AAPL", OPEN_MS, NOON_MS, `sort=${sort}&limit=50000`));
    const pages = await getAllPages(aggsPath("AAPL", OPEN_MS, NOON_MS, `sort=${sort}&limit=17`));
    expect(pages.length).toBe(Math.ceil(119 / 17));
    expect(pages.flatMap(timesOf)).toEqual(timesOf(whole));
    expect(pages.every(({ adjusted }) => !adjusted)).toBe(true);
  });

  it("gives next_url absolute and without the key", async () => {
    const path = `/v2/aggs/ticker/AAPL/range/1/minute/2026-03-20/2026-03-20?limit=2&apiKey=api-key`;
    const page = pageSchema.parse(await (await sandbox.get(path, {})).json());
    expect(page.next_url?.startsWith(`${sandbox.url}/v2/aggs/ticker/AAPL/range/1/minute/`)).toBe(
      true,
    );
    expect(page.next_url).not.toContain("api-key");
    expect(page.adjusted).toBe(true);
  });

  it("serves a bar from the second after its minute at market time", async () => {
    const path = aggsPath("AAPL", OPEN_MS, NOON_MS);
    sandbox.setNow(OPEN_MS + MINUTE_MS + SECOND_MS - 1);
    expect(timesOf(await getPage(path))).toEqual([]);
    sandbox.setNow(OPEN_MS + MINUTE_MS + SECOND_MS);
    expect(timesOf(await getPage(path))).toEqual([OPEN_MS]);
  });

  it("reads dates as whole New York dates", async () => {
    sandbox.setNow(OPEN_MS + 24 * 60 * MINUTE_MS);
    expect((await getPage(aggsPath("SPY", "2026-03-20", "2026-03-20"))).count).toBe(391);
  });

  it.each([
    [aggsPath("AAPL", "yesterday", NOON_MS), "'from'"],
    [aggsPath("AAPL", OPEN_MS, "2026-02-30"), "'to'"],
    [aggsPath("AAPL", NOON_MS, OPEN_MS), "before 'from'"],
    [aggsPath("AAPL", OPEN_MS, NOON_MS, "limit=50001"), "'limit'"],
    [aggsPath("AAPL", OPEN_MS, NOON_MS, "sort=up"), "'sort'"],
    ["/v2/aggs/ticker/AAPL/range/5/minute/2026-03-20/2026-03-20", "range/1/minute"],
    ["/v2/aggs/ticker/AAPL/range/1/hour/2026-03-20/2026-03-20", "range/1/day"],
  ])("answers 400 to %s", async (path, text) => {
    const response = await sandbox.get(path, POLYGON_HEADERS);
    const schema = z.strictObject({
      status: z.literal("ERROR"),
      request_id: z.string(),
      error: z.string(),
    });
    expect(response.status).toBe(400);
    expect(schema.parse(await response.json()).error).toContain(text);
  });

  it("answers 404 in plain text to other paths", async () => {
    for (const path of ["/v2/aggs/other", "/v9/none"]) {
      const response = await sandbox.get(path, POLYGON_HEADERS);
      expect([response.status, await response.text()]).toEqual([404, "404 page not found"]);
    }
  });
});

describe.skipIf(!hasPayloads)("the sandbox's Polygon answers next to recorded ones", () => {
  it("have the same members", async () => {
    const recorded = pageSchema.parse(JSON.parse(payloadText("polygon", "aggs_day_range.json")));
    const page = await getPage(aggsPath("AAPL", OPEN_MS, NOON_MS));
    expect(Object.keys(page).toSorted()).toEqual(Object.keys(recorded).toSorted());
    const [row, recordedRow] = [page.results?.[0] ?? {}, recorded.results?.[0] ?? {}];
    expect(Object.keys(row).toSorted()).toEqual(Object.keys(recordedRow).toSorted());
  });

  it("leave `results` out when there is nothing", async () => {
    const recorded = z.looseObject({}).parse(JSON.parse(payloadText("polygon", "aggs_empty.json")));
    const page = await getPage(aggsPath("ZZZZZ", OPEN_MS, NOON_MS));
    expect({ ...page, adjusted: true, request_id: "0" }).toEqual(recorded);
  });

  it.each([
    ["err_401_unknown_key.json", aggsPath("AAPL", OPEN_MS, NOON_MS), { authorization: "Bearer x" }],
    ["err_401_unknown_key.json", aggsPath("AAPL", OPEN_MS, NOON_MS, "apiKey=x"), {}],
    ["err_400_bad_date.json", aggsPath("AAPL", "x", NOON_MS), POLYGON_HEADERS],
  ])("match %s but for the request's id (%s)", async (file, path, headers) => {
    const recorded = errorResponse("polygon", file);
    const response = await sandbox.get(path, { ...headers });
    const strip = (body: unknown): unknown => ({
      ...z.looseObject({}).parse(body),
      request_id: "",
    });
    expect(response.status).toBe(recorded.status);
    expect(strip(await response.json())).toEqual(strip(JSON.parse(recorded.body)));
  });

  it("refuse a call without a key", async () => {
    expect((await sandbox.get(aggsPath("AAPL", OPEN_MS, NOON_MS), {})).status).toBe(401);
  });
});
