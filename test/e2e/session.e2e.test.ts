import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  REAL_BARS,
  REAL_SESSION_TIMEOUT_MS,
  runRealSession,
  WHOLE_DAY,
} from "../support/real-session.ts";

describe.skipIf(!existsSync(REAL_BARS))(
  "a trading session of real bars",
  { timeout: REAL_SESSION_TIMEOUT_MS },
  () => {
    it("reaches Postgres and every client whole, once, with its whole history", async () => {
      const report = await runRealSession();
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
  },
);
