import { describe, expect, it } from "vitest";
import { minuteJobs } from "../../../dev/rlc/minute-jobs.ts";
import { parseJob } from "../../../src/contracts/jobs.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { manySymbols } from "../../support/many-symbols.ts";

const OPEN_MS = Date.UTC(2026, 2, 20, 13, 30);

describe("the coordinator of the local stack", () => {
  it("hands out each minute of a session once, all symbols in valid jobs of a thousand", () => {
    const symbols = manySymbols(2_500);
    const due = minuteJobs(createCalendar(), symbols);
    expect(due(OPEN_MS)).toEqual([]);
    const jobs = due(OPEN_MS + MINUTE_MS + 20_000).map(({ job }) => parseJob(job));
    expect(jobs.every(({ ok }) => ok)).toBe(true);
    expect(jobs.flatMap((parsed) => (parsed.ok ? parsed.job.symbols : []))).toEqual(symbols);
    expect(due(OPEN_MS + MINUTE_MS + 40_000)).toEqual([]);
  });

  it("makes up for five minutes that nobody claimed for, not for an hour", () => {
    const due = minuteJobs(createCalendar(), ["AAPL"]);
    due(OPEN_MS + MINUTE_MS);
    expect(due(OPEN_MS + 60 * MINUTE_MS)).toHaveLength(6);
  });
});
