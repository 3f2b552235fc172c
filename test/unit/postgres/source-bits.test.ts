import { describe, expect, it } from "vitest";
import { FEEDS, PROVIDER_IDS } from "../../../src/domain/provider-id.ts";
import { FEED_BITS, sourcesOfBits } from "../../../src/postgres/rollup-sql.ts";

describe("the sources of a bar, as bits", () => {
  it("have room in an integer, and stay where they were stored", () => {
    expect(FEEDS.length).toBeLessThanOrEqual(FEED_BITS);
    expect(PROVIDER_IDS.length * FEED_BITS).toBeLessThan(32);
    expect(sourcesOfBits(1)).toEqual(["polygon/sip"]);
    expect(sourcesOfBits((1 << 5) | (1 << 8) | (1 << 18))).toEqual([
      "alpaca/iex",
      "alpaca/sip",
      "iex/iex",
    ]);
  });
});
