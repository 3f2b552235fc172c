import { describe, expect, it } from "vitest";
import { groupFetchSchema } from "../../../src/contracts/group-fetch.ts";
import { MAX_JOB_SYMBOLS } from "../../../src/contracts/job-fields.ts";
import { manySymbols } from "../../support/many-symbols.ts";

describe("a fetch of a group", () => {
  const job = {
    v: 1,
    id: "j",
    group: 7,
    duty: "poll:1",
    interval: "1m",
    symbols: ["AAPL"],
    start_ms: 0,
    end_ms: 60_000,
    priority: 0,
    settle: false,
    lane: "live",
  };

  it.each([
    [{}, true],
    [{ end_ms: 960 * 60_000 }, true],
    [{ end_ms: 961 * 60_000 }, false],
    [{ end_ms: 0 }, false],
    [{ start_ms: 1 }, false],
    [{ symbols: [] }, false],
    [{ symbols: ["brk.b"] }, false],
    [{ symbols: ["AAPL", "AAPL"] }, false],
    [{ symbols: manySymbols(MAX_JOB_SYMBOLS) }, true],
    [{ symbols: manySymbols(MAX_JOB_SYMBOLS + 1) }, false],
    [{ priority: 10 }, false],
    [{ lane: "T3" }, false],
    [{ extra: 1 }, false],
  ])("with %o is taken: %s", (change, taken) => {
    expect(groupFetchSchema.safeParse({ ...job, ...change }).success).toBe(taken);
  });
});
