import { describe, expect, it } from "vitest";
import type { ScheduledFault } from "../../../dev/sandbox/fault.ts";
import { drainFaults, drainOf, outageOf } from "../../../dev/session/drain.ts";
import type { StoredGap } from "../../../dev/session/gap-events.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";

const ORIGIN_MS = Date.UTC(2026, 2, 20, 13, 30);
const at = (minute: number) => ORIGIN_MS + minute * MINUTE_MS;
const OUTAGE = { startMs: at(60), endMs: at(120) };

const fault = (
  provider: ScheduledFault["provider"],
  from: number,
  to: number,
  more: Partial<ScheduledFault> = {},
): ScheduledFault => ({
  provider,
  fault: "html_502",
  fromMs: from * MINUTE_MS,
  toMs: to * MINUTE_MS,
  ...more,
});

function gap(
  kind: StoredGap["kind"],
  from: number,
  to: number,
  known: number,
  tier: StoredGap["tier"] = "T0",
): StoredGap {
  const range = { startMs: at(from), endMs: at(to) };
  return { symbol: `S${tier}`, tier, kind, ...range, asOfMs: at(known) };
}

describe("an outage of a policy", () => {
  const policy = ["alpaca", "polygon"];
  const outage = (...faults: ScheduledFault[]) => outageOf(faults, policy, ORIGIN_MS);

  it("is the span in which every provider of it is dark", () => {
    expect(outage(fault("alpaca", 50, 120), fault("polygon", 60, 130))).toEqual(OUTAGE);
    const pieces = [fault("alpaca", 60, 90), fault("alpaca", 90, 120, { fault: "mute" })];
    expect(outage(...pieces, fault("polygon", 60, 120))).toEqual(OUTAGE);
  });

  it("is the longest of several", () => {
    const both = (from: number, to: number) => [
      fault("alpaca", from, to),
      fault("polygon", from, to),
    ];
    expect(outage(...both(10, 20), ...both(60, 120), ...both(200, 205))).toEqual(OUTAGE);
  });

  it.each([
    ["one provider answers", [fault("alpaca", 60, 120)]],
    ["they are dark one after the other", [fault("alpaca", 0, 60), fault("polygon", 60, 120)]],
    [
      "one is late only",
      [fault("alpaca", 60, 120), fault("polygon", 60, 120, { fault: "latency" })],
    ],
    [
      "one fails for quotes only",
      [fault("alpaca", 60, 120), fault("polygon", 60, 120, { endpoint: "quotes_l1" })],
    ],
  ])("is none when %s", (_name, faults) => {
    expect(outage(...faults)).toBeNull();
  });
});

describe("the drain of an outage", () => {
  it("ends with the last fill of each tier, also of holes that were found after it", () => {
    const drain = drainOf(
      [
        gap("open", 60, 119, 119),
        gap("open", 60, 120, 119, "T1"),
        gap("open", 119, 120, 121),
        gap("filled", 60, 100, 124),
        gap("filled", 100, 120, 126),
        gap("filled", 60, 120, 150, "T1"),
      ],
      OUTAGE,
    );
    expect(drain).toEqual({
      outage_s: 3_600,
      tiers: {
        T0: { opened: 60, filled: 60, drained_after_s: 360 },
        T1: { opened: 60, filled: 60, drained_after_s: 1_800 },
      },
      drain_ratio: 0.5,
    });
    expect(drainFaults(drain)).toEqual([]);
  });

  it("leaves out the holes before it and after it", () => {
    const gaps = [
      gap("open", 10, 20, 22),
      gap("open", 60, 61, 63),
      gap("open", 130, 140, 142),
      gap("filled", 60, 61, 121),
      gap("filled", 130, 140, 300),
      gap("filled", 10, 20, 310),
    ];
    expect(drainOf(gaps, OUTAGE).tiers).toEqual({
      T0: { opened: 1, filled: 1, drained_after_s: 60 },
    });
  });

  it("has no end while a hole is open, dead or opened again", () => {
    const gaps = [
      gap("open", 60, 63, 70),
      gap("filled", 60, 61, 121),
      gap("dead", 61, 62, 130),
      gap("filled", 62, 63, 122),
      gap("open", 62, 63, 140),
    ];
    const drain = drainOf(gaps, OUTAGE);
    expect(drain.tiers.T0).toEqual({ opened: 3, filled: 1, drained_after_s: null });
    expect(drain.drain_ratio).toBeNull();
    expect(drainFaults(drain)).toEqual(["2 holes of T0 were left open"]);
  });

  it("is at fault when it takes ten outages, for T0 a quarter of an hour, or opened nothing", () => {
    const filledAt = (minute: number, tier: StoredGap["tier"]) =>
      drainFaults(
        drainOf([gap("open", 60, 120, 119, tier), gap("filled", 60, 120, minute, tier)], OUTAGE),
      );
    expect(filledAt(134, "T0")).toEqual([]);
    expect(filledAt(135, "T0")).toEqual(["T0 was drained after 900 s, not under 900"]);
    expect(filledAt(719, "T1")).toEqual([]);
    expect(filledAt(720, "T1")).toEqual(["the drain took 10 times the outage, not under 10"]);
    expect(drainFaults(drainOf([], OUTAGE))).toEqual(["the outage opened no hole"]);
  });
});
