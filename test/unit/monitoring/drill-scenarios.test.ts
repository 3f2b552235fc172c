import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../../dev/drill/scenarios.ts";
import { SLO_ALERTS } from "../../../dev/monitoring/alert-parameters.ts";

describe("the drill", () => {
  it("makes every alert of a service level true once", () => {
    const drilled = SCENARIOS.flatMap(({ alerts }) => alerts);
    expect(drilled.toSorted()).toEqual([...SLO_ALERTS].toSorted());
  });
});
