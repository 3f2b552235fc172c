import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BreakerState } from "../../../src/domain/breaker.ts";
import { type Candidate, choose } from "../../../src/routing/choose.ts";

const candidate = (id: Candidate["id"], state: BreakerState, h = 1, probe = false): Candidate => ({
  id,
  admission: { state, h, probe },
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
            probe: fc.boolean(),
          }),
        }),
      ),
    ),
  );

describe("the providers that a job tries", () => {
  it("are the closed and the probing ones in policy order", () => {
    const list = [
      candidate("polygon", "open", 0.9),
      candidate("alpaca", "closed", 0.6),
      candidate("finnhub", "half_open", 0.5, true),
      candidate("iex", "half_open", 0.99),
    ];
    expect(choose(list)).toEqual(["alpaca", "finnhub"]);
  });

  it("are the one with the highest score when none is closed, the first in policy order of equals", () => {
    const list = [candidate("polygon", "open", 0.3), candidate("alpaca", "open", 0.4), candidate("iex", "half_open", 0.4)];
    expect(choose(list)).toEqual(["alpaca"]);
  });

  it("are never none while one is not isolated, never an isolated one, and the same each time", () => {
    fc.assert(
      fc.property(policies, (list) => {
        const chosen = choose(list);
        const usable = list.filter(({ admission }) => admission.state !== "isolated").map(({ id }) => id);
        expect(chosen.length > 0).toBe(usable.length > 0);
        expect(usable).toEqual(expect.arrayContaining(chosen));
        expect(choose(list)).toEqual(chosen);
        const order = list.map(({ id }) => id).filter((id) => chosen.includes(id));
        expect(chosen).toEqual(order);
      }),
    );
  });
});
