import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPublication } from "../../dev/market/publication.ts";
import { createSyntheticMarket } from "../../dev/market/synthetic-market.ts";
import { killInTheMiddle } from "../../dev/session/disturbances.ts";
import { MarketDriver } from "../../dev/stack/driver.ts";
import { type LocalStack, startLocalStack } from "../../dev/stack/local-stack.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { ROOT } from "../support/source-tree.ts";

const TIMEOUT_MS = 240_000;
/** All ten where CI runs; each takes a restart of the runtime. */
const KILLS = process.env["REQUIRE_ALL"] === "1" ? 10 : 3;
const DATE = "2026-03-20";

/** The counters of a scrape, histograms by their buckets, sums and counts: series to value. */
function countersOf(exposition: string): Map<string, number> {
  const types = new Map(
    Array.from(exposition.matchAll(/^# TYPE (\w+) (\w+)$/gm), ([, name = "", type = ""]) => [
      name,
      type,
    ]),
  );
  const counters = new Map<string, number>();
  for (const [, series = "", value] of exposition.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)) {
    const name = /^\w+/.exec(series)?.[0] ?? "";
    const type = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ""));
    if (type === "counter" || type === "histogram") counters.set(series, Number(value));
  }
  return counters;
}

describe("the metrics of a runtime that is killed", { timeout: TIMEOUT_MS }, () => {
  let dir = "";
  let stack: LocalStack;
  let driver: MarketDriver;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "mds-kills-"));
    const market = createSyntheticMarket({ seed: 1, symbols: 20 });
    const calendar = createCalendar();
    const session = calendar.session(DATE);
    if (session === undefined) throw new Error(`${DATE} is no trading date`);
    const startMs = session.openMs + 60 * MINUTE_MS;
    stack = await startLocalStack({
      root: ROOT,
      stateDir: dir,
      market,
      publication: createPublication(market, { seed: 1, lateRate: 0, correctedRate: 0 }),
      symbolGroups: 2,
      startMs,
      pinned: true,
      calendarOverrides: [],
      impolite: false,
      databaseInMemory: true,
    });
    driver = new MarketDriver({
      hours: { calendar, sessions: ["regular"] },
      key: stack.key,
      speed: Infinity,
      startMs,
      onTime: (nowMs) => stack.setMarketTime(nowMs),
    });
    await driver.begin(stack.serviceUrl());
    await goOn();
  }, TIMEOUT_MS);

  afterAll(async () => {
    await stack?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A minute of the market, with its polls and reports. */
  async function goOn(): Promise<void> {
    const untilMs = driver.nowMs + MINUTE_MS;
    while (driver.nowMs < untilMs) await driver.step(stack.serviceUrl(), untilMs);
  }

  async function scrape(): Promise<Map<string, number>> {
    const headers = { authorization: `Bearer ${stack.key}` };
    const response = await fetch(`${stack.serviceUrl()}/metrics`, { headers });
    expect(response.status).toBe(200);
    return countersOf(await response.text());
  }

  it("never let a counter go back, over SIGKILLs with jobs in flight", async () => {
    let before = await scrape();
    const jobsOf = (counters: Map<string, number>) =>
      [...counters].reduce(
        (sum, [series, value]) => sum + (series.startsWith("jobs_processed_total") ? value : 0),
        0,
      );
    const first = jobsOf(before);
    expect(before.size).toBeGreaterThan(20);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await killInTheMiddle(stack, driver);
      const after = await scrape();
      await goOn();
      const later = await scrape();
      for (const [series, value] of before)
        expect(after.get(series), `${series} after kill ${kill}`).toBeGreaterThanOrEqual(value);
      for (const [series, value] of after)
        expect(later.get(series), `${series} a minute later`).toBeGreaterThanOrEqual(value);
      before = later;
    }
    expect(jobsOf(before)).toBeGreaterThan(first + KILLS);
  });
});
