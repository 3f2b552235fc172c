import { describe, expect, it } from "vitest";
import { breakerStorageSchema } from "../../../src/routing/breaker-storage.ts";

/** As the release before isolation, rights and the provider's own window wrote it. */
const LAST_RELEASE = {
  breakers: {
    bars_1m: {
      opened: { atMs: 1, cooldownMs: 30_000, probes: 1, probedAtMs: 2 },
      isolated: false,
      window: [
        { atMs: 1, ok: false, durationMs: 3, asked: 10, answered: 0 },
        { atMs: 2, ok: true, limited: false, durationMs: 3, asked: 10, answered: 10 },
      ],
    },
  },
  credits: { left: 4.5, atMs: 7 },
};

describe("what lies in a breaker's storage", () => {
  it("loads as the last release wrote it", () => {
    const loaded = breakerStorageSchema.parse(LAST_RELEASE);
    expect(loaded).toMatchObject(LAST_RELEASE);
    expect(loaded).toMatchObject({
      credits: { window: null },
      isolation: { revision: 0, isolated: null },
      entitlements: {},
    });
    expect(loaded.breakers.bars_1m?.window[0]?.limited).toBe(false);
  });

  it("is empty at first, and what is loaded loads again", () => {
    const empty = breakerStorageSchema.parse({});
    expect(empty.credits).toBeNull();
    for (const stored of [empty, breakerStorageSchema.parse(LAST_RELEASE)])
      expect(breakerStorageSchema.parse(structuredClone(stored))).toEqual(stored);
  });
});
