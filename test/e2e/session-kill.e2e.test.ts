import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  REAL_BARS,
  REAL_SESSION_TIMEOUT_MS,
  runRealSession,
  WHOLE_DAY,
} from "../support/real-session.ts";

describe.skipIf(!existsSync(REAL_BARS))(
  "a trading session that is disturbed",
  { timeout: REAL_SESSION_TIMEOUT_MS },
  () => {
    it("survives a SIGKILL in the middle, an hour without the database, and its being set back by one", async () => {
      const report = await runRealSession(
        // It is the longer one: fewer objects let it end with the other.
        "--groups",
        "2",
        "--kill-at",
        "0.5",
        "--db-away",
        "60",
        "--set-back",
        "60",
      );
      expect(report).toMatchObject(WHOLE_DAY);
      expect(report.revisions).toBeLessThanOrEqual(report.revisions_expected);
      expect(report.revisions).toBeGreaterThanOrEqual(report.revisions_expected - 5);
      expect(report.stream).toMatchObject({ clients: 6, lost: 0, duplicate: 0 });
      expect(report.stream.recovered_pct).toBeGreaterThanOrEqual(95);
    });
  },
);
