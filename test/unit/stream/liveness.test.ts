import { describe, expect, it } from "vitest";
import { DEAD_AFTER_MS, judgeLife, ROTATE_AFTER_MS } from "../../../src/stream/liveness.ts";

const CONNECTED = 1_000_000;

describe("a connection", () => {
  it.each([
    ["alive", "it has just connected", { after: DEAD_AFTER_MS, heardMs: 0, acks: false }],
    ["dead", "it was never heard", { after: DEAD_AFTER_MS + 1, heardMs: 0, acks: false }],
    ["alive", "it pinged lately", { after: 500_000, heardMs: CONNECTED + 400_000, acks: false }],
    ["dead", "it pinged long ago", { after: 500_000, heardMs: CONNECTED + 379_999, acks: false }],
    ["alive", "its acks are the measure", { after: 500_000, heardMs: 0, acks: true }],
    ["rotate", "it has lasted 4 h", { after: ROTATE_AFTER_MS, heardMs: Infinity, acks: false }],
    ["rotate", "it has lasted 4 h with acks", { after: ROTATE_AFTER_MS, heardMs: 0, acks: true }],
  ] as const)("is %s when %s", (verdict, _when, { after, heardMs, acks }) => {
    expect(judgeLife({ connectedMs: CONNECTED, heardMs, acks }, CONNECTED + after)).toBe(verdict);
  });
});
