import { describe, expect, it } from "vitest";
import type { ScheduledFault } from "../../../dev/sandbox/fault.ts";
import { responseTo } from "../../../dev/session/breaker-watch.ts";

const MINUTE_MS = 60_000;
const ORIGIN_MS = Date.UTC(2026, 2, 20, 13, 30);
const at = (minutes: number, state: string) => ({ atMs: ORIGIN_MS + minutes * MINUTE_MS, state });
const fault = (from: number, to: number): ScheduledFault => ({
  provider: "alpaca",
  fault: "mute",
  fromMs: from * MINUTE_MS,
  toMs: to * MINUTE_MS,
});
const PATH = [
  at(0, "closed"),
  at(31, "open"),
  at(32, "half_open"),
  at(33, "open"),
  at(52, "closed"),
  at(76, "open"),
];

describe("how a breaker took a fault", () => {
  it.each([
    ["leaves after its start and returns after its end", fault(30, 50), 60, 120],
    ["leaves by the second and never comes back", fault(75, 80), 60, null],
    ["stays closed", fault(60, 70), null, null],
  ])("%s", (_name, scheduled, leftS, returnedS) => {
    expect(responseTo(scheduled, PATH, ORIGIN_MS)).toMatchObject({
      left_after_s: leftS,
      returned_after_s: returnedS,
    });
  });

  it("is told with the fault and its times", () => {
    expect(responseTo(fault(30, 50), PATH, ORIGIN_MS)).toMatchObject({
      fault: "mute",
      from: "2026-03-20T14:00:00.000Z",
      to: "2026-03-20T14:20:00.000Z",
    });
  });
});
