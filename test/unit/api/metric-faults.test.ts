import { describe, expect, it } from "vitest";
import { metricFaults } from "../../../src/api/metric-faults.ts";

const NOW_MS = 1_000_000;
const ask = (ages: Readonly<Record<string, number>>, stepped = false) =>
  metricFaults({
    heard: async () => Object.entries(ages).map(([source, age]) => ({ source, at: NOW_MS - age })),
    now: () => NOW_MS,
    stepped,
  });

describe("the faults of the metrics", () => {
  it("name the kinds of reporters that have been silent for more than three minutes", async () => {
    const ages = { g00: 1_000, g01: 200_000, slo: 180_000, "backfill-T1": 500_000 };
    expect(await ask(ages)).toEqual([
      "metrics: no report of a group for 200 s",
      "metrics: no report of a backfill for 500 s",
    ]);
  });

  it("are none in a new deployment, of who need not report, and while nobody steps market time", async () => {
    expect(await ask({})).toEqual([]);
    expect(await ask({ canary: 900_000, "h-weur-0": 900_000 })).toEqual([]);
    expect(await ask({ g00: 900_000 }, true)).toEqual([]);
  });

  it("name the hub when it does not answer", async () => {
    const heard = async () => {
      throw new Error("overloaded");
    };
    expect(await metricFaults({ heard, now: () => NOW_MS, stepped: false })).toEqual([
      "metrics: the hub does not answer: overloaded",
    ]);
  });
});
