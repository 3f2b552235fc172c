import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseJob } from "../../../src/contracts/jobs.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/jobs");
const invalidSchema = z.object({ fault: z.string().min(1), job: z.unknown() }).strict();

function fixtures(kind: "valid" | "invalid"): [name: string, content: unknown][] {
  return readdirSync(join(FIXTURES, kind)).map((file) => {
    const content: unknown = JSON.parse(readFileSync(join(FIXTURES, kind, file), "utf8"));
    return [file.replace(/\.json$/, ""), content];
  });
}

describe("a job of an outside coordinator", () => {
  it.each(fixtures("valid"))("is taken: %s", (_, content) => {
    const parsed = parseJob(content);
    expect(parsed.ok ? parsed.job : parsed.faults).toMatchObject(Object(content));
  });

  it.each(fixtures("invalid"))("is refused with its fault: %s", (_, content) => {
    const { fault, job } = invalidSchema.parse(content);
    const parsed = parseJob(job);
    expect(parsed.ok ? [] : parsed.faults).toContainEqual(expect.stringContaining(fault));
  });

  it("has the priority 0 unless it says so, a backfill that of its tier", () => {
    const priorities = fixtures("valid")
      .filter(([name]) => name.endsWith("default-priority"))
      .map(([name, content]) => {
        const parsed = parseJob(content);
        return [name, parsed.ok ? parsed.job.priority : null];
      });
    expect(Object.fromEntries(priorities)).toEqual({
      "bars-default-priority": 0,
      "backfill-default-priority": 1,
    });
  });

  it("is refused with a few faults only, however many it has, and without its values", () => {
    const parsed = parseJob({
      v: 1,
      type: "quotes",
      id: "q",
      symbols: Array.from({ length: 100 }, (_, index) => `secret-${index}`),
    });
    const faults = parsed.ok ? [] : parsed.faults;
    expect(faults).toHaveLength(5);
    expect(faults.join()).not.toContain("secret");
  });
});
