import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const root = fileURLToPath(new URL("../..", import.meta.url));
const barsFile = join(
  process.env["MDS_SHARED"] ?? join(root, "../shared"),
  "data/bars/us43_1m_2026-03-20.csv",
);
const TIMEOUT_MS = 400_000;

const reportSchema = z.object({
  symbols: z.number(),
  expected_minutes: z.number(),
  bars_expected: z.number(),
  in_postgres: z.number(),
  no_trade: z.number(),
  pending: z.number(),
  missing: z.number(),
  duplicate: z.number(),
  wrong: z.number(),
  revisions: z.number(),
  revisions_expected: z.number(),
  stream: z.object({
    clients: z.number(),
    expected: z.number(),
    delivered: z.number(),
    lost: z.number(),
    duplicate: z.number(),
    recovered_pct: z.number(),
  }),
});

/** Runs the session tool as a person would and reads its last line. Rejects when it does not exit 0. */
async function session(...options: string[]) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(root, "dev/session.ts"),
      "--bars",
      barsFile,
      "--clients",
      "6",
      // A third of the objects of a deployment: still many homes and hosts, in a third of the time.
      "--groups",
      "8",
      // Quotes have tests of their own; each sweep is a step of market time more.
      "--quotes-every",
      "300",
      "--json",
      ...options,
    ],
    { cwd: root, timeout: TIMEOUT_MS, maxBuffer: 16 * 1_024 * 1_024 },
  );
  return reportSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
}

/** 43 symbols x 390 minutes; BILI (17), IBKR (2) and PDD (1) did not trade in twenty of them. */
const WHOLE_DAY = {
  symbols: 43,
  expected_minutes: 16_770,
  bars_expected: 16_750,
  in_postgres: 16_750,
  no_trade: 20,
  pending: 0,
  missing: 0,
  duplicate: 0,
  wrong: 0,
};

describe.skipIf(!existsSync(barsFile))(
  "a trading session of real bars",
  { timeout: TIMEOUT_MS },
  () => {
    it("reaches Postgres and every client whole, once, with its whole history", async () => {
      const report = await session();
      expect(report).toMatchObject(WHOLE_DAY);
      expect(report.revisions_expected).toBeGreaterThan(100);
      expect(report.revisions).toBe(report.revisions_expected);
      expect(report.stream).toMatchObject({
        clients: 6,
        lost: 0,
        duplicate: 0,
        recovered_pct: 100,
      });
      expect(report.stream.delivered).toBe(report.stream.expected);
    });

    it("survives a SIGKILL of the runtime in the middle, and an hour without the database", async () => {
      const report = await session("--kill-at", "0.5", "--db-away", "60");
      expect(report).toMatchObject(WHOLE_DAY);
      expect(report.revisions).toBeLessThanOrEqual(report.revisions_expected);
      expect(report.revisions).toBeGreaterThanOrEqual(report.revisions_expected - 5);
      expect(report.stream).toMatchObject({ clients: 6, lost: 0, duplicate: 0 });
      expect(report.stream.recovered_pct).toBeGreaterThanOrEqual(95);
    });
  },
);
