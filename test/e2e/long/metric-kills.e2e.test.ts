import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { killInTheMiddle } from "../../../dev/session/disturbances.ts";
import { type SmallStack, startSmallStack } from "../../support/small-stack.ts";

const TIMEOUT_MS = 600_000;
/** All ten where CI runs; each takes a restart of the runtime. */
const KILLS = process.env["REQUIRE_ALL"] === "1" ? 10 : 3;

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
  let small: SmallStack;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "mds-kills-"));
    small = await startSmallStack(dir);
    await small.goOn(1);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await small?.stack.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function scrape(): Promise<Map<string, number>> {
    const { stack } = small;
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
      await killInTheMiddle(small.stack, small.driver);
      const after = await scrape();
      await small.goOn(1);
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
