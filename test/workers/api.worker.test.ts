import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { flushFrameSchema } from "../../src/contracts/stream.ts";
import { createApp } from "../../src/api/app.ts";
import { toIso } from "../../src/domain/time.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connect,
  group,
  ingestMinute,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  postgres,
  SPY_GROUP,
  SYMBOL_GROUPS,
  tick,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

useWorld();
/** What the Worker keeps for a while has aged out when the next test begins. */
let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
});

const problemSchema = z.object({
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  faults: z.array(z.string()).optional(),
});
const barsSchema = z.object({
  bars: z.array(
    z.object({ symbol: z.string(), ts: z.string(), close: z.number(), revision: z.number() }),
  ),
  as_of: z.string(),
  horizon: z.string(),
  next_page_token: z.string().nullable(),
});
const replaySchema = z.object({
  flushes: z.array(flushFrameSchema),
  streams: z.array(
    z.object({
      g: z.string(),
      e: z.string(),
      truncated: z.boolean(),
      join_fs: z.number(),
      complete: z.boolean(),
    }),
  ),
});

async function problemOf(path: string, headers?: Record<string, string>) {
  const response = await api(path, headers);
  return { http: response.status, ...problemSchema.parse(await response.json()) };
}
const accepting = (accept: string) => ({ authorization: `Bearer ${KEY}`, accept });
const bars = async (path: string) => barsSchema.parse(await (await api(path)).json());

describe("who may ask", () => {
  it("is nobody without a key, except for /health", async () => {
    const health = await exports.default.fetch("https://mds.test/health");
    expect([health.status, await health.json()]).toMatchObject([200, { status: "ok" }]);
    for (const path of [
      "/v1/bars",
      "/metrics",
      "/health/ready",
      "/ws/replay",
      "/v1/stream",
      "/nowhere",
    ]) {
      expect(await problemOf(path, {})).toMatchObject({ http: 401, code: "unauthorized" });
      expect(await problemOf(path, { authorization: "Bearer wrong" })).toMatchObject({ http: 401 });
    }
    expect(await problemOf(`/ws?key=${KEY}`, { Upgrade: "websocket" })).toMatchObject({
      http: 401,
    });
    expect(await problemOf("/nowhere")).toMatchObject({ http: 404, code: "not_found" });
    expect(await problemOf("/v1/stream")).toMatchObject({ http: 426, code: "upgrade_required" });
  });

  it("is told every variable that is missing, by name and without a value", async () => {
    const missing = new Set(["DATABASE_URL", "BOOTSTRAP_KEY"]);
    const partial = Object.fromEntries(Object.entries(env).filter(([name]) => !missing.has(name)));
    const response = await createApp().fetch(new Request("https://mds.test/v1/bars"), {
      ...partial,
      SYMBOL_GROUPS: "none-of-it",
    });
    const problem = problemSchema.parse(await response.json());
    expect([response.status, problem.code]).toEqual([503, "not_configured"]);
    expect(problem.faults).toEqual([
      "variable SYMBOL_GROUPS: not a number",
      "variable DATABASE_URL is missing",
      "variable BOOTSTRAP_KEY is missing",
    ]);
    expect(JSON.stringify(problem)).not.toContain("none-of-it");
    expect((await createApp().fetch(new Request("https://mds.test/health"), {})).status).toBe(200);
  });
});

describe("GET /v1/bars", () => {
  it("refuses what is not a query with 422, and a page token of another query with 400", async () => {
    for (const query of [
      "",
      "symbols=aapl",
      "symbols=AAPL&interval=2m",
      "symbols=AAPL&start=yesterday",
      "symbols=AAPL&limit=0",
      "symbols=AAPL&limit=10001",
      "symbols=AAPL&start=2026-03-20T14:00:00Z&end=2026-03-20T14:00:00Z",
      `symbols=${Array.from({ length: 1_001 }, (_, at) => `A.${String.fromCharCode(65 + (at % 26))}${String.fromCharCode(65 + (Math.floor(at / 26) % 26))}${String.fromCharCode(65 + Math.floor(at / 676))}`).join(",")}`,
    ]) {
      expect(await problemOf(`/v1/bars?${query}`)).toMatchObject({
        http: 422,
        code: "invalid_parameter",
      });
    }
    expect(await problemOf("/v1/bars?symbols=AAPL&page_token=abc")).toMatchObject({
      http: 400,
      code: "bad_page_token",
    });
  });

  it("refuses an instant that the database cannot hold, instead of failing", async () => {
    for (const end of ["999999999999999", "0000-01-01T00:00:00Z"]) {
      expect(await problemOf(`/v1/bars?symbols=AAPL&start=1&end=${end}`)).toMatchObject({
        http: 422,
      });
    }
  });

  it("answers what was known at the horizon, page by page, and refuses a later as_of with 409", async () => {
    await load([AAPL_GROUP]);
    for (const index of [0, 1, 2])
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100 + index, ORCL: 50 });
    const range = `symbols=AAPL,ORCL&start=${minute(0)}&end=${minute(3)}`;
    const first = await bars(`/v1/bars?${range}&limit=4`);
    expect(first.bars.map((bar) => [bar.symbol, bar.ts])).toEqual([
      ["AAPL", toIso(minute(0))],
      ["AAPL", toIso(minute(1))],
      ["AAPL", toIso(minute(2))],
      ["ORCL", toIso(minute(0))],
    ]);
    expect(first.as_of).toBe(toIso(minute(3) + 3_000));
    const second = await bars(`/v1/bars?${range}&limit=4&page_token=${first.next_page_token}`);
    expect(second).toMatchObject({ as_of: first.as_of, next_page_token: null });
    expect(second.bars).toHaveLength(2);
    expect(await problemOf(`/v1/bars?${range}&as_of=${minute(300)}`)).toMatchObject({
      http: 409,
      code: "not_yet_known",
    });
  });

  it("refuses an as_of that is still to come, also of a group that has said nothing yet", async () => {
    await load([SPY_GROUP]);
    expect(await problemOf(`/v1/bars?symbols=SPY&as_of=${minute(300)}`)).toMatchObject({
      http: 409,
      code: "not_yet_known",
    });
  });

  it("answers the same for the same as_of after later flushes, also to who asked before the first one", async () => {
    await load([MSFT_GROUP]);
    stepMarketClock(minute(1) + 3_000);
    const range = `symbols=MSFT&start=${minute(0)}&end=${minute(3)}`;
    const before = await bars(`/v1/bars?${range}`);
    await ingestMinute(MSFT_GROUP, 0, { MSFT: 100 });
    const after = await bars(`/v1/bars?${range}&as_of=${before.as_of}`);
    expect(before.bars).toEqual([]);
    expect(after.bars).toEqual([]);
  });
});

describe("replay over HTTP", () => {
  it("pages through every flush of every group once, in order of knowledge, and says where to join", async () => {
    await load([AAPL_GROUP, SPY_GROUP]);
    for (let index = 0; index < 7; index += 1) {
      await ingestMinute(AAPL_GROUP, index, { AAPL: 100, ORCL: 50 });
      if (index % 3 === 0) await ingestMinute(SPY_GROUP, index, { SPY: 500, BAC: 30 });
    }
    const seen: string[] = [];
    let page = replaySchema.parse(
      await (await api(`/ws/replay?since=${minute(0)}&symbols=AAPL,SPY&limit=2`)).json(),
    );
    for (let pages = 0; pages < 10; pages += 1) {
      const known = page.flushes.map((flush) => flush.at);
      expect(known).toEqual(known.toSorted((a, b) => a - b));
      seen.push(...page.flushes.map((flush) => `${flush.g}:${flush.fs}`));
      if (page.streams.every((stream) => stream.complete)) break;
      const token = page.streams
        .map((stream) => `${stream.g}.${stream.e}.${stream.join_fs - 1}.0`)
        .join(",");
      page = replaySchema.parse(
        await (await api(`/v1/stream/replay?from=${token}&symbols=AAPL,SPY&limit=2`)).json(),
      );
    }
    const { headFs } = await group(SPY_GROUP).status();
    const all = [
      ...Array.from({ length: 7 }, (_, at) => `${AAPL_GROUP}b:${at + 1}`),
      ...Array.from({ length: headFs }, (_, at) => `${SPY_GROUP}b:${at + 1}`),
    ];
    expect(seen.toSorted()).toEqual(all.toSorted());
    expect(page.streams.find((stream) => stream.g === `${AAPL_GROUP}b`)).toMatchObject({
      join_fs: 8,
      truncated: false,
    });
    const from = `${AAPL_GROUP}b.${page.streams.find(({ g }) => g === `${AAPL_GROUP}b`)?.e}.4.0`;
    const asked = `/v1/stream/replay?from=${from}&symbols=AAPL`;
    const whole = replaySchema.parse(await (await api(asked)).json());
    const lines = await api(asked, accepting("application/x-ndjson"));
    expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
    expect(lines.headers.get("vary")).toContain("Accept");
    const text = await lines.text();
    expect(text.endsWith("}\n")).toBe(true);
    const parsed = text
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(whole.flushes).toHaveLength(3);
    expect(parsed).toMatchObject([...whole.flushes, { streams: whole.streams }]);
    for (const path of [asked, `/ws/replay?since=${minute(0)}`])
      expect(await problemOf(path, accepting("text/csv"))).toMatchObject({
        http: 406,
        code: "not_acceptable",
      });
    expect(await problemOf("/v1/stream/replay?from=nonsense")).toMatchObject({ http: 422 });
    expect(
      await problemOf(`/v1/stream/replay?from=${SYMBOL_GROUPS}b.000000000000000.1.a`),
    ).toMatchObject({ http: 422 });
    expect(await problemOf("/ws/replay")).toMatchObject({ http: 422 });
  });
});

describe("what the operator sees", () => {
  it("is ready while Postgres answers, and the reasons when it has been away for long", async () => {
    await load([AAPL_GROUP]);
    const ready = await api("/health/ready");
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { ready: true, groups: { members: 2 } },
    ]);
    postgres.away = true;
    await ingestMinute(AAPL_GROUP, 0, { AAPL: 100, ORCL: 50 });
    stepMarketClock(minute(10));
    aheadMs += 60_000;
    const late = await api("/health/ready");
    expect(late.status).toBe(503);
    const { reasons } = z.object({ reasons: z.array(z.string()) }).parse(await late.json());
    expect(reasons.map((reason) => reason.slice(0, 9))).toEqual(["database:", "a flush h"]);
  });

  it("is not ready, rather than broken, when a group cannot be reached", async () => {
    vi.spyOn(SymbolGroup.prototype, "status").mockRejectedValueOnce(new Error("overloaded"));
    expect((await api("/health/ready")).status).toBe(503);
  });

  it("is Prometheus text whose counters never go back, over evictions too", async () => {
    alpaca.at = () => 100;
    await load([AAPL_GROUP]);
    const client = await connect("?symbols=AAPL");
    let before = new Map<string, number>();
    for (const index of [1, 2, 3]) {
      await tick(minute(index), [AAPL_GROUP]);
      const counters = countersOf(await (await api("/metrics")).text());
      for (const [series, value] of before)
        expect(counters.get(series), series).toBeGreaterThanOrEqual(value);
      expect(counters.get('jobs_processed_total{type="bars",provider="alpaca"}')).toBe(index);
      before = counters;
      await evictDurableObject(group(AAPL_GROUP));
      await evictDurableObject(env.METRICS_HUB.getByName("hub"));
    }
    client.socket.close();
  });
});

/** Counters and histogram counts of a scrape; fails on a line that is neither sample nor comment. */
function countersOf(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (\w+)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    if (line.startsWith("#")) continue;
    const sample =
      /^((\w+?)(?:_bucket|_sum|_count)?(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (-?[\d.e+-]+)$/.exec(
        line,
      );
    expect(sample, line).not.toBeNull();
    if (types.get(sample?.[2] ?? "") !== "gauge")
      counters.set(sample?.[1] ?? "", Number(sample?.[3]));
  }
  return counters;
}
