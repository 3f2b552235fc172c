import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OwnedRange } from "../../../src/contracts/group-fetch.ts";
import type { ProviderId } from "../../../src/domain/provider-id.ts";
import { fetchWindows, hasForeignOwner } from "../../../src/ingest/fetch-windows.ts";
import { MINUTE_MS, OPEN_MS } from "../../support/naive-group.ts";

const at = (index: number) => OPEN_MS + index * MINUTE_MS;
/** Owners of consecutive minutes, null for one without a bar. */
function owned(minutes: readonly (ProviderId | null)[]): OwnedRange[] {
  return minutes.flatMap((provider, index) =>
    provider === null ? [] : [{ startMs: at(index), endMs: at(index + 1), provider }],
  );
}
const BOTH = new Set<ProviderId>(["alpaca", "polygon"]);

/** The windows as `from-to whom`, in minutes. */
function windows(
  owners: readonly OwnedRange[],
  chosen: ProviderId | null,
  usable: ReadonlySet<ProviderId>,
): string[] {
  const fetch = { start_ms: at(0), end_ms: at(6), owners: [...owners] };
  return fetchWindows(fetch, chosen, usable).map(
    ({ startMs, endMs, prefer }) =>
      `${(startMs - OPEN_MS) / MINUTE_MS}-${(endMs - OPEN_MS) / MINUTE_MS} ${prefer ?? "policy"}`,
  );
}

describe("the windows of a fetch", () => {
  const afterReturn = [{ startMs: at(0), endMs: at(4), provider: "polygon" as const }];

  it("ask the giver of the bars for its minutes again, and the chosen provider for the rest", () => {
    expect(windows(afterReturn, "alpaca", BOTH)).toEqual(["0-4 polygon", "4-6 policy"]);
    const inTheMiddle = [{ startMs: at(2), endMs: at(4), provider: "polygon" as const }];
    expect(windows(inTheMiddle, "alpaca", BOTH)).toEqual([
      "0-2 policy",
      "2-4 polygon",
      "4-6 policy",
    ]);
  });

  it("are one when the giver is the chosen one, or is not usable", () => {
    expect(windows(afterReturn, "polygon", BOTH)).toEqual(["0-6 policy"]);
    expect(windows(afterReturn, "alpaca", new Set(["alpaca"]))).toEqual(["0-6 policy"]);
  });

  it("are one when the minutes are too mixed to be asked apart", () => {
    const mixed = owned(["polygon", "alpaca", "polygon", "alpaca", "polygon", null]);
    expect(windows(mixed, "alpaca", BOTH)).toEqual(["0-6 policy"]);
  });

  it("cover the fetch exactly, without overlap, three at most", () => {
    const provider = fc.constantFrom<(ProviderId | null)[]>("alpaca", "polygon", "finnhub", null);
    fc.assert(
      fc.property(
        fc.array(provider, { minLength: 6, maxLength: 6 }),
        provider,
        fc.uniqueArray(fc.constantFrom<ProviderId[]>("alpaca", "polygon", "finnhub")),
        (minutes, chosen, usable) => {
          const fetch = { start_ms: at(0), end_ms: at(6), owners: owned(minutes) };
          const parts = fetchWindows(fetch, chosen, new Set(usable));
          expect(parts.length).toBeLessThanOrEqual(3);
          let reached = at(0);
          for (const { startMs, endMs, prefer } of parts) {
            expect(startMs).toBe(reached);
            expect(endMs).toBeGreaterThan(startMs);
            if (prefer !== null) {
              expect(usable).toContain(prefer);
              expect(prefer).not.toBe(chosen);
            }
            reached = endMs;
          }
          expect(reached).toBe(at(6));
        },
      ),
    );
  });
});

describe("a fetch", () => {
  it.each<[(ProviderId | null)[], boolean]>([
    [[null, null], false],
    [["alpaca", null], false],
    [["alpaca", "polygon"], true],
  ])(
    "over minutes of %s holds bars of another than the first of the policy: %s",
    (owners, foreign) => {
      expect(hasForeignOwner({ owners: owned(owners) }, "alpaca")).toBe(foreign);
    },
  );
});
