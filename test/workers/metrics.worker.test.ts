import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { metricsHubStub } from "../../src/platform/stubs.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connect,
  currentSession,
  group,
  KEY,
  load,
  minute,
  MSFT_GROUP,
  postgres,
  queue,
  tick,
  useWorld,
} from "./support/world.ts";

useWorld();
const ABORTS = 10;
const TTL_MS = 180_000;

let aheadMs = 0;
const realNow = Date.now.bind(Date);
beforeEach(() => {
  // Readiness is kept for a while: it has aged out when the next test begins.
  aheadMs += 60_000;
  vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
  alpaca.at = () => 100;
});

const scrape = async () => await (await api("/metrics")).text();

/** Samples of a scrape by series, gauges and what counts apart. */
function samplesOf(text: string) {
  const types = new Map(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const [counts, gauges] = [new Map<string, number>(), new Map<string, number>()];
  for (const [, series = "", name = "", value] of text.matchAll(
    /^((\w+?)(?:_bucket|_sum|_count)?(?:\{.*\})?) (\S+)$/gm,
  ))
    (types.get(name) === "gauge" ? gauges : counts).set(series, Number(value));
  return { counts, gauges };
}

describe("metrics over resets", () => {
  it("no counter goes back when every object is aborted between scrapes, ten times", async () => {
    await load([AAPL_GROUP, MSFT_GROUP]);
    let before = new Map<string, number>();
    for (let index = 1; index <= ABORTS; index += 1) {
      await tick(minute(index), [AAPL_GROUP, MSFT_GROUP]);
      const { counts } = samplesOf(await scrape());
      for (const [series, value] of before)
        expect(counts.get(series), series).toBeGreaterThanOrEqual(value);
      // What was counted before an abort is still there: every poll of every minute.
      expect(counts.get('jobs_processed_total{type="bars",provider="alpaca"}')).toBe(2 * index);
      before = counts;
      await abortAllDurableObjects();
    }
  });

  it("keeps what a host counted between two reports when it hibernates", async () => {
    await load([AAPL_GROUP]);
    const client = await connect("?symbols=AAPL");
    for (const index of [1, 2, 3, 4]) {
      await tick(minute(index), [AAPL_GROUP]);
      await evictDurableObject(group(AAPL_GROUP));
    }
    await tick(minute(5), [AAPL_GROUP]);
    // The greeting, the answer to the subscription, and a flush of each of the first four minutes.
    expect(samplesOf(await scrape()).counts.get("ws_messages_sent_total")).toBeGreaterThanOrEqual(
      6,
    );
    client.socket.close();
  });

  it("drops the gauges of an object that has been silent for three minutes, and keeps its counters", async () => {
    await load([AAPL_GROUP, MSFT_GROUP]);
    await tick(minute(1), [AAPL_GROUP, MSFT_GROUP]);
    const clients = (number: number) =>
      `ws_clients_gauge{group="g${String(number).padStart(2, "0")}"}`;
    expect(samplesOf(await scrape()).gauges.get(clients(MSFT_GROUP))).toBe(0);
    const jobs = 'jobs_processed_total{type="bars",provider="alpaca"}';
    const counted = samplesOf(await scrape()).counts.get(jobs);
    aheadMs += TTL_MS - 1_000;
    await tick(minute(4), [AAPL_GROUP]);
    aheadMs += 2_000;
    const { counts, gauges } = samplesOf(await scrape());
    expect(gauges.get(clients(AAPL_GROUP))).toBe(0);
    expect(gauges.has(clients(MSFT_GROUP))).toBe(false);
    expect(gauges.get('metrics_report_age_seconds{reporter="group"}')).toBeGreaterThan(180);
    expect(counts.get(jobs)).toBeGreaterThanOrEqual(counted ?? Infinity);
  });

  it("lets an age grow while its reporter is stuck", async () => {
    await load([AAPL_GROUP]);
    postgres.away = true;
    await tick(minute(1), [AAPL_GROUP]);
    const age = async () => samplesOf(await scrape()).gauges.get("undrained_oldest_seconds") ?? 0;
    const first = await age();
    stepMarketClock(minute(1) + 2 * MINUTE_MS);
    expect((await age()) - first).toBeGreaterThan(60);
  });

  it("counts a batch once, however often and late it comes, and never less than before", async () => {
    const hub = metricsHubStub(env);
    const batch = (seq: number, found: number) => ({
      seq,
      totals: { gaps_found_total: { 'interval="1m"': found } },
    });
    const found = async () =>
      samplesOf(await scrape()).counts.get('gaps_found_total{interval="1m"}');
    await hub.report("g01", batch(5, 10));
    await hub.report("g01", batch(5, 10));
    await hub.report("g01", batch(4, 7));
    expect(await found()).toBe(10);
    // An object that was set back to an earlier state counts on from there; the sum goes on from where it was.
    await hub.report("g01", batch(6, 4));
    expect(await found()).toBe(10);
    await hub.report("g01", batch(7, 6));
    expect(await found()).toBe(12);
  });
});

describe("the exposition", () => {
  it("is OpenMetrics for who prefers it, text for everybody else", async () => {
    await load([AAPL_GROUP]);
    await tick(minute(1), [AAPL_GROUP]);
    const asked = async (accept: string) =>
      await api("/metrics", { authorization: `Bearer ${KEY}`, accept });
    const open = await asked(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    );
    expect(open.headers.get("content-type")).toMatch(/^application\/openmetrics-text; version=1/);
    const text = await open.text();
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(text).toContain("# TYPE jobs_processed counter\n");
    expect(text).toContain('jobs_processed_total{type="bars",provider="alpaca"} 1\n');
    for (const accept of ["*/*", "text/html,*/*;q=0.8", "text/plain"]) {
      const plain = await asked(accept);
      expect(plain.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(await plain.text()).not.toContain("# EOF");
    }
  });

  it("says how long after a minute its bars came and were settled", async () => {
    await load([AAPL_GROUP]);
    for (const index of [1, 2, 3]) await tick(minute(index), [AAPL_GROUP]);
    const { counts } = samplesOf(await scrape());
    const series = (stage: string) =>
      `bar_settle_seconds_count{provider="alpaca",stage="${stage}"}`;
    // Two symbols of three minutes, and each minute of the group once.
    expect(counts.get(series("first"))).toBe(6);
    expect(counts.get(series("settled"))).toBe(3);
    expect(counts.get('bar_settle_seconds_bucket{provider="alpaca",stage="first",le="5"}')).toBe(6);
  });

  it.each([
    ["in the session", 60, 1],
    ["before the open", -1, 0],
    ["at the close", 390, 0],
  ])("tells whether the market is open %s", async (_when, index, open) => {
    await load([AAPL_GROUP]);
    if (index > 0) stepMarketClock(minute(index));
    else stepMarketClock(createCalendar().nextSession(currentSession().closeMs).openMs - MINUTE_MS);
    expect(samplesOf(await scrape()).gauges.get("market_open")).toBe(open);
  });
});

describe("readiness", () => {
  it("names the hub when it does not answer", async () => {
    await load([AAPL_GROUP]);
    const { MetricsHub } = await import("../../durable-objects/metrics-hub.ts");
    vi.spyOn(MetricsHub.prototype, "heard").mockRejectedValueOnce(new Error("overloaded"));
    const response = await api("/health/ready");
    const { reasons } = z.object({ reasons: z.array(z.string()) }).parse(await response.json());
    expect(reasons).toContainEqual(expect.stringMatching(/^metrics: the hub does not answer/));
  });

  it("reports each minute also of a queue that holds nothing", async () => {
    await queue("T2").ping();
    expect(samplesOf(await scrape()).gauges.get('backfill_oldest_age_seconds{tier="T2"}')).toBe(0);
  });
});
