import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/domain/health.ts";
import { scoreHealth } from "../../../src/domain/health.ts";
import { sampleHealth } from "../../../src/domain/health-sample.ts";

const MINUTE_MS = 1_774_013_460_000;
const outcome = (ok: boolean): Outcome => ({
  atMs: MINUTE_MS,
  ok,
  limited: false,
  durationMs: 100,
  asked: 1,
  answered: ok ? 1 : 0,
});
const at = (nowMs: number, outcomes: readonly Outcome[]) =>
  ({ nowMs, state: "closed", score: scoreHealth(1, outcomes, 500) }) as const;

describe("a health sample", () => {
  it("is of a minute: its calls add up, its score is the newest", () => {
    const good = [outcome(true), outcome(true)];
    const first = sampleHealth(null, good, at(MINUTE_MS + 5_000, good));
    expect(first).toMatchObject({ atMs: MINUTE_MS, calls: 2, failures: 0 });
    const bad = [outcome(false)];
    const second = sampleHealth(first, bad, at(MINUTE_MS + 59_999, bad));
    expect(second).toMatchObject({ atMs: MINUTE_MS, calls: 3, failures: 1 });
    expect(second?.score.h).toBeCloseTo(0.45, 9);
    const next = sampleHealth(second, good, at(MINUTE_MS + 60_000, good));
    expect(next).toMatchObject({ atMs: MINUTE_MS + 60_000, calls: 2, failures: 0 });
  });

  it("is none of a minute without outcomes", () => {
    expect(sampleHealth(null, [], at(MINUTE_MS, []))).toBeNull();
  });
});
