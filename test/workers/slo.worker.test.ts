import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createApp } from "../../src/api/app.ts";
import { sloViewSchema } from "../../src/api/slo-view.ts";
import { readSettings } from "../../src/env.ts";
import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import { runTick } from "../../src/ingest/tick.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { sloMonitorStub } from "../../src/platform/stubs.ts";
import { api, currentSession, KEY, minute, postgres, useWorld } from "./support/world.ts";

useWorld();

const EVERY_MS = 30_000;
const GRACE_MS = 210_000;
const T0 = Array.from({ length: 500 }, (_, index) => `S${index}`);

/** Sets market time and takes the sample that is due; answers when the next one is. */
async function sampleAt(ms: number): Promise<number> {
  stepMarketClock(ms);
  return await sloMonitorStub(env).runUntilQuiet();
}
async function tickAt(ms: number): Promise<void> {
  stepMarketClock(ms);
  const read = readSettings(env);
  if (!read.ok) throw new Error(read.faults.join("; "));
  await runTick(ms, read.settings, env);
}
async function pingAt(ms: number): Promise<void> {
  stepMarketClock(ms);
  await sloMonitorStub(env).ping();
}
/** T0's minutes: who lacks which, and how far the tier is complete. */
function script(lacks: Record<string, number>, completeBeforeMs: number): void {
  postgres.slo.levels.set("T0 1m", { symbols: T0, lacks, completeBeforeMs });
}
async function view(query = "") {
  const response = await api(`/ops/slo${query}`);
  expect(response.status).toBe(200);
  return sloViewSchema.parse(await response.json());
}
/** The value of a gauge of T0's minutes at a scrape; null: absent. */
async function gauge(name: string): Promise<number | null> {
  const text = await (await api("/metrics")).text();
  const found = new RegExp(`^${name}\\{tier="T0",interval="1m"\\} (.+)$`, "m").exec(text);
  return found === null ? null : Number(found[1]);
}
const rates = async () => (await view()).samples.map(({ state, rates: [t0] }) => [state, t0?.rate]);

describe("the monitor of service levels", () => {
  it("takes a sample at each multiple of 30 s while the market is open", async () => {
    script({}, minute(10));
    expect(await sampleAt(minute(10) + 3_000)).toBe(minute(10) + EVERY_MS);
    expect(await sampleAt(minute(10) + 20_000)).toBe(minute(10) + EVERY_MS);
    expect(await sampleAt(minute(10) + EVERY_MS)).toBe(minute(11));
    const { samples } = await view();
    expect(samples.map(({ number, at }) => [number, at])).toEqual([
      [2, toIso(minute(10) + EVERY_MS)],
      [1, toIso(minute(10) + 3_000)],
    ]);
    const [from, to] = [minute(0), minute(7)].map(toIso);
    expect(postgres.slo.due).toContainEqual([from, to]);
  });

  it("reports the exact rate and the lag, and looks at 200 symbols a tier in turn beside them", async () => {
    script({ S3: minute(2), S450: minute(5) }, minute(8));
    for (const ms of [minute(10), minute(10) + EVERY_MS, minute(11)]) await sampleAt(ms);
    expect(await gauge("slo_gap_violation_rate")).toBe(2 / 500);
    expect(await gauge("ingestion_lag_seconds")).toBe(180);
    const all = `0-${2 ** 31 - 1}`;
    expect(postgres.slo.asked).toEqual([all, "200-400", all, "400-500,0-100", all, "100-300"]);
    const { samples, levels, violating } = await view();
    expect(samples.map(({ rates: [t0] }) => t0)).toEqual(
      [0, 2, 0].map((hit) => ({
        tier: "T0",
        interval: "1m",
        rate: 0.004,
        sampled_rate: hit / 200,
      })),
    );
    expect(levels[0]).toMatchObject({ target: 0.005, exact: { symbols: 500, violating: 2 } });
    expect(levels[0]?.error_budget).toMatchObject({ samples: 3, spent: 0.8, over_target: 0 });
    expect(levels[1]).toMatchObject({ exact: { symbols: 0, rate: null }, error_budget: null });
    expect(violating).toEqual([
      { tier: "T0", interval: "1m", symbol: "S3", oldest: toIso(minute(2)) },
      { tier: "T0", interval: "1m", symbol: "S450", oldest: toIso(minute(5)) },
    ]);
  });

  it("knows nothing while Postgres can't be read: no rate, no zero, and the reason is shown", async () => {
    script({}, minute(10));
    await sampleAt(minute(10));
    expect(await gauge("slo_gap_violation_rate")).toBe(0);
    postgres.away = true;
    await sampleAt(minute(11));
    expect(await gauge("slo_gap_violation_rate")).toBeNull();
    expect(await gauge("ingestion_lag_seconds")).toBeNull();
    const away = await view();
    expect(away).toMatchObject({ state: "unknown", due: null, violating: [] });
    expect(away.reason).toContain("503");
    expect(away.levels[0]).toMatchObject({ exact: { rate: null }, error_budget: { samples: 1 } });
    postgres.away = false;
    await sampleAt(minute(12));
    expect(await rates()).toEqual([
      ["measured", 0],
      ["unknown", undefined],
      ["measured", 0],
    ]);
  });

  it("tells the last sample again at each ping while the next one is not due, and not when it is overdue", async () => {
    let aheadMs = 0;
    const realNow = Date.now.bind(Date);
    vi.spyOn(Date, "now").mockImplementation(() => realNow() + aheadMs);
    script({}, minute(10));
    await sampleAt(minute(10));
    aheadMs += 170_000;
    await pingAt(minute(10) + 20_000);
    aheadMs += 170_000;
    expect(await gauge("slo_gap_violation_rate")).toBe(0);
    await pingAt(minute(10) + EVERY_MS);
    aheadMs += 20_000;
    expect(await gauge("slo_gap_violation_rate")).toBeNull();
  });

  it("goes on with the same turn and the same samples after it was evicted", async () => {
    script({}, minute(10));
    await sampleAt(minute(10));
    await evictDurableObject(sloMonitorStub(env));
    expect(await sampleAt(minute(10) + 1_000)).toBe(minute(10) + EVERY_MS);
    await sampleAt(minute(11));
    expect((await view()).samples.map(({ number }) => number)).toEqual([2, 1]);
    expect(postgres.slo.asked[3]).toBe("400-500,0-100");
  });

  it("rests after the close when the last minute was due and nothing lacks, and still says so", async () => {
    const { closeMs } = currentSession();
    script({}, closeMs);
    await sampleAt(closeMs + GRACE_MS - EVERY_MS);
    expect(await sampleAt(closeMs + GRACE_MS)).toBeGreaterThan(closeMs + 12 * 60 * MINUTE_MS);
    const asked = postgres.slo.asked.length;
    for (let index = 5; index < 40; index += 1) await pingAt(closeMs + index * MINUTE_MS);
    expect(postgres.slo.asked).toHaveLength(asked);
    expect(await gauge("slo_gap_violation_rate")).toBe(0);
    expect(await gauge("ingestion_lag_seconds")).toBe(0);
  });

  it("looks again every 15 min after the close while something lacks, and once a daily bar is due", async () => {
    const { closeMs } = currentSession();
    script({ S1: minute(30) }, closeMs);
    await sampleAt(closeMs + GRACE_MS);
    const takenAt = async () => (await view()).samples.map(({ at }) => at);
    for (let index = 4; index < 20; index += 1) await pingAt(closeMs + index * MINUTE_MS);
    expect(await takenAt()).toHaveLength(2);
    script({}, closeMs);
    for (let index = 20; index < 60; index += 1) await pingAt(closeMs + index * MINUTE_MS);
    expect((await rates()).map(([, rate]) => rate)).toEqual([0, 1 / 500, 1 / 500]);
    // 20:15 in New York; the cron tick is who pings.
    const eveningMs = closeMs + 255 * MINUTE_MS;
    await pingAt(eveningMs - MINUTE_MS);
    expect(await takenAt()).toHaveLength(3);
    await tickAt(eveningMs);
    expect((await takenAt())[0]).toBe(toIso(eveningMs));
  });
});

describe("GET /ops/slo", () => {
  it("says that nothing was sampled yet, and when that will be", async () => {
    stepMarketClock(minute(1));
    expect(await view()).toMatchObject({
      state: null,
      samples: [],
      date: currentSession().date,
      next_sample_at: toIso(minute(1)),
    });
  });

  it("gives as many samples as are asked for and refuses more than 100", async () => {
    script({}, minute(3));
    for (const index of [4, 5, 6]) await sampleAt(minute(index));
    expect((await view("?samples=2")).samples).toHaveLength(2);
    expect((await api("/ops/slo?samples=101")).status).toBe(422);
    expect((await api("/ops/slo", {})).status).toBe(401);
  });

  it("is described", async () => {
    const request = new Request("https://mds.test/openapi.json", {
      headers: { authorization: `Bearer ${KEY}` },
    });
    const { paths } = z
      .object({ paths: z.record(z.string(), z.unknown()) })
      .parse(await (await createApp().fetch(request, env)).json());
    expect(Object.keys(paths)).toContain("/ops/slo");
  });
});
