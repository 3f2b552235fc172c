import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { HOUR_MS, toIso } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  AAPL_GROUP,
  api,
  currentSession,
  ingestMinute,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  postgres,
  SYMBOL_GROUPS,
  useWorld,
} from "./support/world.ts";

useWorld();
/** What the Worker keeps for a while has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const authorized = { authorization: `Bearer ${KEY}` };
const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  request_id: z.uuid(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  horizon: z.iso.datetime().optional(),
});

/** A refusal, held against the form that all of them have. */
async function problemOf(path: string, init: RequestInit = {}) {
  const response = await exports.default.fetch(
    new Request(`https://mds.test${path}`, { headers: authorized, ...init }),
  );
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = problemSchema.parse(await response.json());
  expect(body.status).toBe(response.status);
  expect(body.type).toBe(`urn:market-data-service:problem:${body.code}`);
  expect(body.title).not.toBe("Error");
  return { http: response.status, fields: body.errors?.map(({ field }) => field), ...body };
}

async function json<Schema extends z.ZodType>(path: string, schema: Schema) {
  const response = await api(path);
  expect(response.status, path).toBe(200);
  return schema.parse(await response.json());
}

const barSchema = z.object({ symbol: z.string(), ts: z.string(), close: z.number() });
const latestSchema = z.object({
  bars: z.array(barSchema),
  as_of: z.string(),
  horizon: z.string(),
  without_bar: z.array(z.string()),
});
const diffSchema = z.object({
  changes: z.array(barSchema.extend({ as_of: z.string(), provider: z.string() })),
  as_of_a: z.string(),
  as_of_b: z.string(),
  next_page_token: z.string().nullable(),
});

/** AAPL and ORCL for three minutes; the second is revised with the third. */
async function ingestThree(): Promise<void> {
  await load([AAPL_GROUP]);
  await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
  await ingestMinute(AAPL_GROUP, 1, { AAPL: 101, ORCL: 51 });
  await ingestMinute(AAPL_GROUP, 2, { AAPL: 102, ORCL: 52 });
}

describe("GET /v1/bars/latest", () => {
  it("answers the last bar of each symbol at the horizon, and whose there is none", async () => {
    await ingestThree();
    const now = await json("/v1/bars/latest?symbols=ORCL,AAPL,MSFT", latestSchema);
    expect(now.bars.map((bar) => [bar.symbol, bar.ts, bar.close])).toEqual([
      ["AAPL", toIso(minute(2)), 102],
      ["ORCL", toIso(minute(2)), 52],
    ]);
    expect(now.without_bar).toEqual(["MSFT"]);
    expect(now.as_of).toBe(now.horizon);
    const then = `/v1/bars/latest?symbols=AAPL&as_of=${minute(2)}`;
    expect((await json(then, latestSchema)).bars.map(({ close }) => close)).toEqual([100]);
  });

  it("may be kept for ever when as_of is pinned, and is not kept otherwise", async () => {
    await ingestThree();
    const path = `/v1/bars/latest?symbols=AAPL&as_of=${minute(2)}`;
    const pinned = await api(path);
    const tag = pinned.headers.get("etag") ?? "";
    expect(pinned.headers.get("cache-control")).toContain("private");
    expect(pinned.headers.get("cache-control")).toContain("immutable");
    expect(pinned.headers.get("vary")).toBe("Accept");
    const again = await api(path, { ...authorized, "if-none-match": tag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const passing = await api("/v1/bars/latest?symbols=AAPL");
    expect(passing.headers.get("cache-control")).toBe("no-store");
    expect(passing.headers.get("etag")).toBeNull();
    expect(await problemOf(`/v1/bars/latest?symbols=AAPL&as_of=${minute(300)}`)).toMatchObject({
      http: 409,
      code: "not_yet_known",
      horizon: toIso(minute(3) + 3_000),
    });
  });
});

describe("GET /v1/bars/{symbol}/revisions", () => {
  it("answers the history of belief, what is believed now last", async () => {
    await ingestThree();
    const revisionSchema = z.object({
      close: z.number(),
      current: z.boolean(),
      provider: z.string(),
    });
    const path = `/v1/bars/AAPL/revisions?ts=${minute(1)}`;
    const { revisions } = await json(path, z.object({ revisions: z.array(revisionSchema) }));
    expect(revisions).toEqual([{ close: 101, current: true, provider: "alpaca" }]);
    expect(await problemOf("/v1/bars/AAPL/revisions")).toMatchObject({ http: 422, fields: ["ts"] });
    for (const symbol of ["aapl", "%zz", "%00", "A".repeat(300)]) {
      expect(await problemOf(`/v1/bars/${symbol}/revisions?ts=1`)).toMatchObject({
        http: 422,
        fields: ["symbol"],
      });
    }
  });
});

describe("GET /v1/bars/diff", () => {
  it("pages through what became known, pinned by its first page, each belief once", async () => {
    await ingestThree();
    const query = `as_of_a=${minute(0)}&symbols=AAPL,ORCL&limit=4`;
    const first = await json(`/v1/bars/diff?${query}`, diffSchema);
    await ingestMinute(AAPL_GROUP, 3, { AAPL: 103, ORCL: 53 });
    const token = first.next_page_token ?? "";
    const second = await json(`/v1/bars/diff?${query}&page_token=${token}`, diffSchema);
    expect(
      [...first.changes, ...second.changes].map(({ symbol, close }) => [symbol, close]),
    ).toEqual(
      [100, 101, 102].flatMap((close) => [
        ["AAPL", close],
        ["ORCL", close - 50],
      ]),
    );
    expect(second).toMatchObject({ as_of_b: first.as_of_b, next_page_token: null });
    const rest = await json(
      `/v1/bars/diff?as_of_a=${Date.parse(first.as_of_b)}&group=${AAPL_GROUP}`,
      diffSchema,
    );
    expect(rest.changes.map(({ close }) => close)).toEqual([103, 53]);
    expect(await problemOf(`/v1/bars/diff?${query}1&page_token=${token}x`)).toMatchObject({
      http: 400,
    });
  });

  it("refuses a knowledge time above the horizon with the horizon, also the first of the two", async () => {
    await ingestThree();
    for (const span of [`as_of_a=1&as_of_b=${minute(300)}`, `as_of_a=${minute(300)}`]) {
      expect(await problemOf(`/v1/bars/diff?${span}&symbols=AAPL`)).toMatchObject({
        http: 409,
        code: "not_yet_known",
        horizon: toIso(minute(3) + 3_000),
      });
    }
  });

  it("names the parameter that is wrong", async () => {
    for (const [query, field] of [
      ["symbols=AAPL", "as_of_a"],
      ["as_of_a=1", "symbols"],
      ["as_of_a=1&symbols=AAPL&group=1", "symbols"],
      ["as_of_a=1&group=", "group"],
      [`as_of_a=1&group=${SYMBOL_GROUPS}`, "group"],
      ["as_of_a=2&as_of_b=1&group=1", "as_of_a"],
      ["as_of_a=1&group=1&start=2&end=2", "start"],
      ["as_of_a=1&group=1&include=after", "include"],
    ]) {
      expect(await problemOf(`/v1/bars/diff?${query}`), query).toMatchObject({
        http: 422,
        fields: [field],
      });
    }
  });

  it("goes no further than a page token of another query", async () => {
    await ingestThree();
    const query = `/v1/bars/diff?as_of_a=${minute(0)}&limit=1`;
    const { next_page_token: token } = await json(`${query}&symbols=AAPL`, diffSchema);
    for (const other of [
      `${query}&symbols=ORCL`,
      `${query}&group=${AAPL_GROUP}`,
      `${query}1&symbols=AAPL&interval=1d`,
    ]) {
      expect(await problemOf(`${other}&page_token=${token}`)).toMatchObject({
        http: 400,
        code: "bad_page_token",
      });
    }
  });
});

describe("GET /v1/bars/day/{date}.csv.gz", () => {
  const file = (date: string) => `/v1/bars/day/${date}.csv.gz`;
  const unzip = async (response: Response) => {
    const body = response.body?.pipeThrough(new DecompressionStream("gzip"));
    return await new Response(body).text();
  };

  it("is one gzip file of the day as it is known, with the time that makes it repeatable", async () => {
    await ingestThree();
    await load([MSFT_GROUP]);
    await ingestMinute(MSFT_GROUP, 3, { MSFT: 400 });
    const { date } = currentSession();
    const response = await api(file(date));
    expect(response.headers.get("content-type")).toBe("application/gzip");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const asOf = response.headers.get("x-as-of") ?? "";
    const text = await unzip(response);
    const lines = text.trimEnd().split("\r\n");
    expect(lines[0]).toMatch(/^symbol,ts,open,/);
    expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual([
      "AAPL",
      "AAPL",
      "AAPL",
      "MSFT",
      "ORCL",
      "ORCL",
      "ORCL",
    ]);
    const pinned = await api(`${file(date)}?as_of=${asOf}`);
    expect(await unzip(pinned)).toBe(text);
    expect(pinned.headers.get("cache-control")).toContain("immutable");
    const tag = pinned.headers.get("etag") ?? "";
    const again = await api(`${file(date)}?as_of=${asOf}`, { ...authorized, "if-none-match": tag });
    expect(again.status).toBe(304);
  });

  it("may be kept for ever only when the universe that its tier was read in is settled", async () => {
    await ingestThree();
    const asOfMs = minute(3);
    const answer = async (query: string) => {
      const { status, headers } = await api(`${file(currentSession().date)}?${query}`);
      return [status, headers.get("cache-control")?.includes("immutable"), headers.has("etag")];
    };
    expect(await answer(`as_of=${asOfMs}`)).toEqual([200, true, true]);
    stepMarketClock(asOfMs + HOUR_MS - 1);
    expect(await answer(`tier=T0&as_of=${asOfMs}`)).toEqual([200, false, false]);
    stepMarketClock(asOfMs + HOUR_MS);
    expect(await answer(`tier=T0&as_of=${asOfMs}`)).toEqual([200, true, true]);
  });

  it("is read in pages of symbols, and breaks off when one of them fails", async () => {
    await ingestThree();
    const { date } = currentSession();
    postgres.refuses = /string_agg\(lines/;
    const response = await api(file(date));
    expect(response.status).toBe(200);
    await expect(unzip(response)).rejects.toThrow();
  });

  it("is not there for a closed day, a day without minutes, and what is no date", async () => {
    await load([AAPL_GROUP]);
    expect(await problemOf(file("2026-12-25"))).toMatchObject({ http: 404, code: "no_session" });
    expect(await problemOf(file("2026-03-02"))).toMatchObject({ http: 404, code: "no_bars" });
    for (const name of ["2026-02-30.csv.gz", "today.csv.gz", "2026-03-20.csv", "1989-01-03.csv.gz"])
      expect(await problemOf(`/v1/bars/day/${name}`)).toMatchObject({
        http: 404,
        code: "not_found",
      });
    expect(await problemOf(`${file("2026-03-20")}?tier=T9`)).toMatchObject({ fields: ["tier"] });
  });

  it("sends a HEAD the headers alone", async () => {
    await ingestThree();
    const head = await exports.default.fetch(
      new Request(`https://mds.test${file(currentSession().date)}`, {
        method: "HEAD",
        headers: authorized,
      }),
    );
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
      200,
      "application/gzip",
      "",
    ]);
  });
});

describe("lists of rows", () => {
  const LISTS = [
    "/v1/bars/latest?symbols=AAPL",
    "/v1/bars/diff?as_of_a=1&symbols=AAPL",
    "/v1/quotes/latest?symbols=AAPL",
    "/v1/quotes?symbol=AAPL",
    "/v1/coverage?symbols=AAPL",
    "/v1/universe",
    "/v1/calendar",
  ];

  it("come as JSON, NDJSON or CSV, by what is accepted", async () => {
    await ingestThree();
    stepMarketClock(minute(10));
    for (const path of LISTS) {
      const forms = ["application/json", "application/x-ndjson", "text/csv"].map(async (accept) => {
        const response = await api(path, { ...authorized, accept });
        expect([response.status, response.headers.get("vary")], path).toEqual([200, "Accept"]);
        expect(response.headers.get("content-type"), path).toContain(accept);
        return await response.text();
      });
      const [, ndjson = "", csv = ""] = await Promise.all(forms);
      const lines = csv.trimEnd().split("\r\n");
      expect(lines.length - 1, path).toBe(ndjson.split("\n").length - 1);
      if (ndjson === "") continue;
      const [first = "{}"] = ndjson.split("\n");
      const row = z.record(z.string(), z.unknown()).parse(JSON.parse(first));
      expect(lines[0]?.split(",").toSorted(), path).toEqual(Object.keys(row).toSorted());
      expect(
        await problemOf(path, { headers: { ...authorized, accept: "text/html" } }),
      ).toMatchObject({
        http: 406,
        code: "not_acceptable",
      });
    }
  });
});

describe("what no route expects", () => {
  it("is refused with the parameter's name when it is unknown, or given twice", async () => {
    for (const path of [
      "/v1/bars/latest?symbols=AAPL&intervall=1d",
      "/v1/bars/diff?as_of_a=1&symbols=AAPL&asof_b=1",
      "/v1/bars/day/2026-03-20.csv.gz?as-of=1",
      "/v1/quotes?symbol=AAPL&from=1",
      "/v1/calendar?year=2026",
      "/providers?name=alpaca",
      "/ops/slo?tier=T0",
      "/v1/bars/latest?symbols=AAPL&constructor=1",
    ]) {
      const { http, code, fields } = await problemOf(path);
      const unknown = /[?&]([^=&]+)=[^&]*$/.exec(path)?.[1];
      expect([http, code, fields], path).toEqual([422, "invalid_parameter", [unknown]]);
    }
    expect(await problemOf("/v1/bars/latest?symbols=AAPL&symbols=MSFT")).toMatchObject({
      http: 422,
      fields: ["symbols"],
    });
  });

  it("is refused when it is more than a thousand symbols, or no symbols", async () => {
    const letter = (at: number) => String.fromCharCode(65 + (at % 26));
    const symbols = Array.from(
      { length: 1_001 },
      (_, at) => `${letter(at)}${letter(Math.floor(at / 26))}${letter(Math.floor(at / 676))}`,
    );
    for (const list of [symbols.join(","), "", "aapl", "AAPL,,MSFT", "%zz", "AAPL%00", "'; drop"]) {
      for (const path of ["/v1/bars/latest?", "/v1/bars/diff?as_of_a=1&", "/v1/quotes/latest?"])
        expect(await problemOf(`${path}symbols=${list}`)).toMatchObject({ fields: ["symbols"] });
    }
    expect((await api(`/v1/bars/latest?symbols=${symbols.slice(1).join(",")}`)).status).toBe(200);
  });

  it("is told apart: a path that is not there, and a method that a path does not have", async () => {
    expect(await problemOf("/v1/nowhere")).toMatchObject({ http: 404, code: "not_found" });
    expect(await problemOf("/%zz")).toMatchObject({ http: 404, code: "not_found" });
    const response = await exports.default.fetch(
      new Request("https://mds.test/v1/bars/AAPL/revisions", {
        method: "PUT",
        headers: authorized,
      }),
    );
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await problemOf("/ops/dlq/backfills/1", { method: "POST" })).toMatchObject({
      http: 405,
      code: "method_not_allowed",
    });
  });

  it("is refused when the body is too large, whatever it says of its length", async () => {
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1_024).fill(32));
      },
    });
    for (const body of [" ".repeat(600 * 1_024), endless]) {
      expect(await problemOf("/ops/universe/overrides", { method: "PUT", body })).toMatchObject({
        http: 413,
        code: "body_too_large",
      });
    }
  });
});

describe("the description of the API", () => {
  it("is open to all, and complete in itself", async () => {
    const document = await exports.default.fetch("https://mds.test/openapi.json");
    expect(await document.json()).toMatchObject({ openapi: "3.1.0" });
    const page = await exports.default.fetch("https://mds.test/docs");
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.text()).toContain("/v1/bars/diff");
  });
});
