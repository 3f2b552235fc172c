import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { faultScheduleSchema } from "../../../dev/sandbox/fault.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";

const folder = join(import.meta.dirname, "../../e2e/faults");
/** Twice the longest cool-down of a breaker. */
const RETURN_MS = 20 * MINUTE_MS;
const REGULAR_SESSION_MS = 390 * MINUTE_MS;

describe("the fault schedules of sessions", () => {
  it.each(readdirSync(folder))("%s is one, and leaves time to return before the close", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const schedule = faultScheduleSchema.parse(JSON.parse(text));
    expect(schedule.length).toBeGreaterThan(0);
    const endMs = Math.max(...schedule.map(({ toMs }) => toMs));
    expect(endMs).toBeLessThanOrEqual(REGULAR_SESSION_MS - RETURN_MS);
  });
});
