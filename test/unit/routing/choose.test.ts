import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BreakerState } from "../../../src/domain/breaker.ts";
import { type Candidate, choose } from "../../../src/routing/choose.ts";
import type { Right } from "../../../src/routing/entitlement.ts";

const candidate = (id: Candidate["id"], state: BreakerState, h = 1): Candidate => ({
  id,
  admission: { state, h },
});

const policies = fc
  .shuffledSubarray(["polygon", "alpaca", "finnhub", "iex"] as const)
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({
          id: fc.constant(id),
          admission: fc.record({
            state: fc.constantFrom<BreakerState>("closed", "half_open", "open", "isolated"),
            h: fc.double({ min: 0, max: 1, noNaN: true }),
            right: fc.constantFrom<Right>("granted", "granted", "refused", "retry"),
          }),
        }),
      ),
    ),
  );

describe("the providers that a job tries", () => {
  it("are the closed ones to call and the half-open ones to probe, in policy order", () => {
    const list = [
      candidate("polygon", "open", 0.9),
      candidate("alpaca", "closed", 0.6),
      candidate("finnhub", "half_open", 0.5),
      candidate("iex", "isolated", 0.99),
    ];
    expect(choose(list)).toEqual({
      order: [
        { id: "alpaca", how: "call" },
        { id: "finnhub", how: "probe" },
      ],
      lastResort: "polygon",
    });
  });

  it("are in the end the one with the highest score, the first in policy order of equals", () => {
    const list = [
      candidate("polygon", "open", 0.3),
      candidate("alpaca", "open", 0.4),
      candidate("iex", "half_open", 0.4),
    ];
    expect(choose(list).lastResort).toBe("alpaca");
  });

  it("never hold one whose key was refused, and one that is due a try only as a probe", () => {
    const refused = { ...candidate("polygon", "closed").admission, right: "refused" } as const;
    const due = { ...candidate("alpaca", "closed").admission, right: "retry" } as const;
    expect(choose([{ id: "polygon", admission: refused }])).toEqual({
      order: [],
      lastResort: null,
    });
    expect(choose([{ id: "alpaca", admission: due }])).toEqual({
      order: [{ id: "alpaca", how: "probe" }],
      lastResort: null,
    });
  });

  it("have a last resort while one is usable, never another, and are the same each time", () => {
    fc.assert(
      fc.property(policies, (list) => {
        const { order, lastResort } = choose(list);
        const idsOf = (states: BreakerState[], rights: Right[]) =>
          list
            .filter(
              ({ admission: { state, right } }) => states.includes(state) && rights.includes(right),
            )
            .map(({ id }) => id);
        expect(order.map(({ id }) => id)).toEqual(
          idsOf(["closed", "half_open"], ["granted", "retry"]),
        );
        expect(order.filter(({ how }) => how === "call").map(({ id }) => id)).toEqual(
          idsOf(["closed"], ["granted"]),
        );
        const usable = idsOf(["closed", "half_open", "open"], ["granted"]);
        expect(lastResort !== null).toBe(usable.length > 0);
        if (lastResort !== null) expect(usable).toContain(lastResort);
        expect(choose(list)).toEqual({ order, lastResort });
      }),
    );
  });
});
