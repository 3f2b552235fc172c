import { z } from "zod";
import { barsFile, runSessionTool } from "./session-tool.ts";

/** A day of real bars beside the checkout; it may not be there. */
export const REAL_BARS = barsFile("us43_1m_2026-03-20.csv");
export const REAL_SESSION_TIMEOUT_MS = 400_000;

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

/** Runs the session of the real bars, to six clients, and reads its report. */
export async function runRealSession(...options: string[]) {
  const report = await runSessionTool(
    [
      "--bars",
      REAL_BARS,
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
    REAL_SESSION_TIMEOUT_MS,
  );
  return reportSchema.parse(report);
}

/** 43 symbols x 390 minutes; BILI (17), IBKR (2) and PDD (1) did not trade in twenty of them. */
export const WHOLE_DAY = {
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
