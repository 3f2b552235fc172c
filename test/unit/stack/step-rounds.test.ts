import { describe, expect, it } from "vitest";
import { runUntilRest } from "../../../dev/stack/step-rounds.ts";

const NOW_MS = 1_000;

/** Objects that work off what they were given, and give work of their own. */
class Bench {
  calls = 0;
  runs = 0;

  object(work: () => void = () => {}, nextMs: number | null = null) {
    let todo = 1;
    return {
      give: () => (todo += 1),
      left: () => todo,
      runUntilQuiet: async () => {
        this.runs += 1;
        for (; todo > 0; todo -= 1) work();
        return nextMs;
      },
    };
  }
}

describe("a step of market time", () => {
  it("runs an idle stack once, and answers the earliest due instant", async () => {
    const bench = new Bench();
    const groups = [bench.object(() => {}, 5_000), bench.object(() => {}, 3_000), bench.object()];
    expect(await runUntilRest([groups], NOW_MS, () => 0)).toBe(3_000);
    expect(bench.runs).toBe(3);
  });

  it("knows no due instant when no object has one", async () => {
    expect(await runUntilRest([[new Bench().object()]], NOW_MS, () => 0)).toBeNull();
  });

  it("leaves nothing behind in an object that was given work after it had come to rest", async () => {
    const bench = new Bench();
    const group = bench.object();
    let left = 3;
    const queue = bench.object(() => {
      if (left === 0) return;
      left -= 1;
      bench.calls += 1;
      group.give();
      queue.give();
    });
    await runUntilRest([[group], [queue]], NOW_MS, () => bench.calls);
    expect([group.left(), queue.left(), left]).toEqual([0, 0, 0]);
  });

  it("lets a phase hand on to the next one in the same round", async () => {
    const bench = new Bench();
    const queue = bench.object();
    const group = bench.object(() => queue.give());
    await runUntilRest([[group], [queue]], NOW_MS, () => bench.calls);
    expect(queue.left()).toBe(0);
    expect(bench.runs).toBe(2);
  });

  it("throws when the stack never comes to rest", async () => {
    let calls = 0;
    const busy = { runUntilQuiet: async () => ((calls += 1), null) };
    await expect(runUntilRest([[busy]], NOW_MS, () => calls)).rejects.toThrow("come to rest");
    const overdue = { runUntilQuiet: async () => NOW_MS };
    await expect(runUntilRest([[overdue]], NOW_MS, () => 0)).rejects.toThrow("come to rest");
  });
});
