import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  AAPL_GROUP,
  api,
  answerOf,
  group,
  ingestMinute,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  postgres,
  SPY_GROUP,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

useWorld();
/** A horizon that the Worker keeps for a while has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const answerSchema = z.object({
  bars: z.array(
    z.object({
      symbol: z.string(),
      ts: z.string(),
      close: z.number().nullable(),
      no_trade: z.boolean().optional(),
    }),
  ),
  as_of: z.string(),
  horizon: z.string(),
  knowledge: z.string(),
  next_page_token: z.string().nullable(),
});

const get = async (query: string, headers: Record<string, string> = {}) =>
  await api(`/v1/bars?${query}`, { authorization: `Bearer ${KEY}`, ...headers });
const read = async (query: string) => answerSchema.parse(await (await get(query)).json());
const codeOf = async (query: string, headers?: Record<string, string>) => {
  const response = await get(query, headers);
  const { code } = z.object({ code: z.string() }).parse(await response.json());
  return [response.status, code];
};
const keys = ({ bars }: z.infer<typeof answerSchema>) =>
  bars.map(({ symbol, ts }) => `${symbol} ${(Date.parse(ts) - minute(0)) / 60_000}`);

/** AAPL and ORCL for three minutes, and their range. */
async function threeMinutes(): Promise<string> {
  await load([AAPL_GROUP]);
  for (const index of [0, 1, 2])
    await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
  return `symbols=AAPL,ORCL&start=${minute(0)}&end=${minute(3)}`;
}

describe("the form of bars", () => {
  it("is what is accepted, with the facts in the headers of each", async () => {
    const query = `${await threeMinutes()}&limit=2`;
    const json = await get(query);
    const body = answerSchema.parse(await json.json());
    for (const accept of ["application/x-ndjson", "text/csv"]) {
      const response = await get(query, { accept });
      expect(response.headers.get("content-type")).toContain(accept);
      expect(response.headers.get("vary")).toContain("Accept");
      expect(response.headers.get("x-as-of")).toBe(body.as_of);
      expect(response.headers.get("x-horizon")).toBe(body.horizon);
      expect(response.headers.get("x-knowledge")).toBe("actual");
      expect(response.headers.get("x-data-sources")).toBe("alpaca/sip");
      expect(response.headers.get("x-next-page-token")).toBe(body.next_page_token);
      const lines = (await response.text()).trimEnd().split(/\r?\n/);
      if (accept === "text/csv") {
        expect(lines[0]).toMatch(/^symbol,ts,open,high,low,close,volume,vwap,trade_count,provider/);
        expect(lines.slice(1).map((line) => line.split(",")[5])).toEqual(["100", "101"]);
      } else {
        expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject(body.bars);
      }
    }
    expect(await codeOf(query, { accept: "image/png" })).toEqual([406, "not_acceptable"]);
  });
});

describe("a pinned read", () => {
  it("may be kept for ever, is not sent again to whoever has it, and differs by its form", async () => {
    const range = await threeMinutes();
    const { as_of: asOf } = await read(range);
    const pinned = `${range}&as_of=${asOf}`;
    const first = await get(pinned);
    const etag = first.headers.get("etag") ?? "";
    expect(first.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const text = await first.text();
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103, ORCL: 51 });
    expect(await (await get(pinned)).text()).toBe(text);
    const known = await get(pinned, { "if-none-match": `"other", W/${etag}` });
    expect([known.status, await known.text(), known.headers.get("etag")]).toEqual([304, "", etag]);
    const csv = await get(pinned, { accept: "text/csv", "if-none-match": etag });
    expect(csv.status).toBe(200);
  });

  it("needs its knowledge and its range said; what depends on now is not kept", async () => {
    const range = await threeMinutes();
    const { as_of: asOf, next_page_token: token } = await read(`${range}&limit=2`);
    const control = async (query: string) => (await get(query)).headers.get("cache-control");
    for (const query of [
      range,
      `symbols=AAPL&as_of=${asOf}`,
      `symbols=AAPL&as_of=${asOf}&start=${minute(0)}`,
      `${range}&as_of=${asOf}&knowledge=assumed`,
    ]) {
      expect(await control(query)).toBe("no-store");
    }
    expect(await control(`${range}&limit=2&page_token=${token}`)).toContain("immutable");
  });
});

describe("a page token", () => {
  it("belongs to one query, whatever of it is changed", async () => {
    const range = await threeMinutes();
    const { next_page_token: token } = await read(`${range}&limit=2`);
    expect(keys(await read(`${range}&limit=3&page_token=${token}`))).toEqual([
      "AAPL 2",
      "ORCL 0",
      "ORCL 1",
    ]);
    for (const change of [
      "knowledge=assumed",
      "adjust=split",
      "session=regular",
      "feed=sip",
      "sort=desc",
      "interval=5m",
      `as_of=${minute(3)}`,
    ]) {
      expect(await codeOf(`${range}&${change}&page_token=${token}`)).toEqual([
        400,
        "bad_page_token",
      ]);
    }
    const other = range.replace("AAPL,", "");
    expect(await codeOf(`${other}&page_token=${token}`)).toEqual([400, "bad_page_token"]);
  });
});

describe("the whole market and a group", () => {
  it("are read by what the universe lists; the market for one bar only", async () => {
    await load([AAPL_GROUP, MSFT_GROUP, SPY_GROUP]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    await ingestMinute(SPY_GROUP, 0, { SPY: 500, BAC: 30 });
    stepMarketClock(minute(1) + 4_000);
    const start = `start=${minute(0)}`;
    expect(keys(await read(`symbols=*&${start}`))).toEqual(["AAPL 0", "BAC 0", "ORCL 0", "SPY 0"]);
    const first = await read(`symbols=*&${start}&end=${minute(1)}&limit=3`);
    const rest = `symbols=*&${start}&end=${minute(1)}&limit=3&page_token=${first.next_page_token}`;
    expect(keys(await read(rest))).toEqual(["SPY 0"]);
    const name = `g${String(SPY_GROUP).padStart(2, "0")}`;
    expect(keys(await read(`group=${name}&${start}&end=${minute(9)}`))).toEqual(["BAC 0", "SPY 0"]);
    for (const query of [
      "symbols=*",
      `symbols=*&${start}&end=${minute(2)}`,
      `symbols=*&end=${minute(2)}`,
      `symbols=AAPL&group=${name}`,
      "group=g32",
      "group=7",
    ]) {
      expect(await codeOf(query)).toEqual([422, "invalid_parameter"]);
    }
  });
});

describe("minutes without a trade", () => {
  it("come among the bars once they are settled, and not before", async () => {
    await load([AAPL_GROUP]);
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    // Complete answers without ORCL: too early for its absence to count, and late enough.
    const silent = async (askedMs: number) => {
      stepMarketClock(askedMs);
      const bars = { AAPL: { 1: 101 }, ORCL: {} };
      const answer = answerOf(bars, { fromIndex: 1, toIndex: 2, askedAt: askedMs });
      await group(AAPL_GROUP).ingest("test", outcomeOf(answer));
      await group(AAPL_GROUP).runUntilQuiet();
    };
    const query = `symbols=AAPL,ORCL&start=${minute(0)}&end=${minute(2)}&include=no_trade`;
    await silent(minute(2) + 3_000);
    expect(keys(await read(query))).toEqual(["AAPL 0", "AAPL 1", "ORCL 0"]);
    aheadMs += 60_000;
    await silent(minute(2) + 95_000);
    const settled = await read(query);
    expect(keys(settled)).toEqual(["AAPL 0", "AAPL 1", "ORCL 0", "ORCL 1"]);
    expect(settled.bars.at(-1)).toMatchObject({ close: null, no_trade: true });
    expect((await get(query)).headers.get("cache-control")).toBe("no-store");
    expect(await codeOf(`${query}&limit=3`)).toEqual([422, "invalid_parameter"]);
  });

  it("are not claimed while bars that a group knows are not stored", async () => {
    const range = await threeMinutes();
    const { as_of: asOf } = await read(range);
    for (const change of [
      `as_of=${asOf}`,
      "knowledge=assumed",
      "interval=5m",
      "session=pre",
      "page_token=abc",
    ]) {
      expect(await codeOf(`${range}&include=no_trade&${change}`)).toEqual([
        422,
        "invalid_parameter",
      ]);
    }
    postgres.refuses = /drain_begin/;
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103, ORCL: 51 });
    aheadMs += 60_000;
    const wider = range.replace(`end=${minute(3)}`, `end=${minute(4)}`);
    expect(await codeOf(`${wider}&include=no_trade`)).toEqual([503, "unavailable"]);
  });
});

describe("what does not go together", () => {
  it("is 422 with its field", async () => {
    for (const query of [
      `symbols=AAPL&interval=1d&session=all`,
      "symbols=AAPL&knowledge=later",
      `symbols=AAPL&start=${minute(5)}&end=${minute(4)}`,
      `symbols=AAPL&feed=otc`,
      `symbols=AAPL&sort=up`,
    ]) {
      expect(await codeOf(query)).toEqual([422, "invalid_parameter"]);
    }
  });
});
