import { describe, expect, it } from "vitest";
import {
  judgeReader,
  MAX_UNACKED_AGE_MS,
  MAX_UNACKED_BYTES,
  SLOW_AGE_MS,
  SLOW_BYTES,
} from "../../../src/stream/reader-lag.ts";

const NOW = 1_000_000;

describe("a reader", () => {
  it.each([
    ["well", "all is acked", null, 0],
    ["well", "much is unacked, but young", SLOW_AGE_MS, MAX_UNACKED_BYTES - 1],
    ["well", "little is unacked, though old", MAX_UNACKED_AGE_MS - 1, SLOW_BYTES],
    ["slow", "much is unacked and old", SLOW_AGE_MS + 1, SLOW_BYTES + 1],
    ["slow", "it is a moment before the end", MAX_UNACKED_AGE_MS - 1, MAX_UNACKED_BYTES - 1],
    ["lost", "anything is unacked for 30 s", MAX_UNACKED_AGE_MS, 1],
    ["lost", "4 MB are unacked, however young", 0, MAX_UNACKED_BYTES],
    ["well", "the clock went back", -5_000, SLOW_BYTES + 1],
  ] as const)("is %s when %s", (kind, _when, ageMs, bytes) => {
    const oldestSentMs = ageMs === null ? null : NOW - ageMs;
    expect(judgeReader({ bytes, oldestSentMs }, NOW).kind).toBe(kind);
  });

  it("is told how old and how much", () => {
    expect(judgeReader({ bytes: 300_000, oldestSentMs: NOW - 12_000 }, NOW)).toEqual({
      kind: "slow",
      ageMs: 12_000,
      bytes: 300_000,
    });
  });
});
