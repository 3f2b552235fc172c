import { describe, expect, it } from "vitest";
import { hasMinuteBars, polledTiers } from "../../../src/domain/cadence.ts";
import { TIERS } from "../../../src/domain/tier.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";

describe("the cadence of a tier", () => {
  it("polls T0 and T1 at each minute, T2 never: it has daily bars only", () => {
    const ticks = Array.from({ length: 1_440 }, (_, minute) => minute * MINUTE_MS);
    for (const tickMs of ticks) expect(polledTiers(tickMs)).toEqual(["T0", "T1"]);
    expect(TIERS.filter(hasMinuteBars)).toEqual(["T0", "T1"]);
  });
});
