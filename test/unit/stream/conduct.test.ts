import { describe, expect, it } from "vitest";
import { Conduct, FRAME_GAP_MS } from "../../../src/stream/conduct.ts";

describe("the pace of requests", () => {
  it("lets ten through at once, then one each tenth of a second", () => {
    const conduct = new Conduct();
    const waits = Array.from({ length: 12 }, () => conduct.takeTurn(5_000));
    expect(waits).toEqual([...Array.from({ length: 10 }, () => 0), FRAME_GAP_MS, FRAME_GAP_MS]);
  });

  it("serves no more than ten a second over a minute to a client that asks all the time", () => {
    const conduct = new Conduct();
    let [nowMs, served] = [5_000, 0];
    while (nowMs < 65_000) {
      nowMs += conduct.takeTurn(nowMs);
      served += 1;
    }
    expect(served).toBeLessThanOrEqual(610);
    expect(served).toBeGreaterThanOrEqual(600);
  });

  it("has all ten back after a second of rest", () => {
    const conduct = new Conduct();
    for (let frame = 0; frame < 10; frame += 1) conduct.takeTurn(5_000);
    expect(Array.from({ length: 10 }, () => conduct.takeTurn(6_000))).toEqual(
      Array.from({ length: 10 }, () => 0),
    );
  });
});

describe("refused frames", () => {
  it.each([
    [1400, 10, 4029],
    [1429, 10, 4029],
    [1405, 3, 4505],
  ])("of code %i are forgiven %i times a minute, then closed with %i", (code, forgiven, close) => {
    const conduct = new Conduct();
    for (let count = 0; count < forgiven; count += 1) {
      conduct.note(code);
      expect(conduct.judge(100_000 + count)).toBeNull();
    }
    conduct.note(code);
    expect(conduct.judge(100_100)).toBe(close);
  });

  it("of another minute, or that are no fault of the client's, do not count", () => {
    const conduct = new Conduct();
    for (let count = 0; count < 100; count += 1) {
      conduct.note(1400);
      conduct.note(1404);
      conduct.note(1500);
      expect(conduct.judge(100_000 + count * 10_000)).toBeNull();
    }
  });
});
