import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { barsFile, runSessionTool } from "../support/session-tool.ts";

const bars = barsFile("us43_1m_2026-03-20.csv");
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

async function session(...options: string[]) {
  const report = await runSessionTool(
    [
      "--bars",
      bars,
      "--clients",
      "6",
      // An eighth of the objects of a deployment: still several homes and hosts, in a fraction of the time.
      "--groups",
      "4",
      // Quotes have tests of their own; each sweep is a step of market time more.
      "--quotes-every",
      "300",
      ...options,
    ],
    TIMEOUT_MS,
  );
  return reportSchema.parse(report);
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

describe.skipIf(!existsSync(bars))(
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

    it("survives a SIGKILL in the middle, an hour without the database, and its being set back by one", async () => {
      const report = await session("--kill-at", "0.5", "--db-away", "60", "--set-back", "60");
      expect(report).toMatchObject(WHOLE_DAY);
      expect(report.revisions).toBeLessThanOrEqual(report.revisions_expected);
      expect(report.revisions).toBeGreaterThanOrEqual(report.revisions_expected - 5);
      expect(report.stream).toMatchObject({ clients: 6, lost: 0, duplicate: 0 });
      expect(report.stream.recovered_pct).toBeGreaterThanOrEqual(95);
    });
  },
);
