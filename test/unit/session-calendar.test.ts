import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCsvMarket } from "../../dev/market/csv-market.ts";
import { overridesForFile, sessionsOfFile } from "../../dev/session/session-calendar.ts";
import { createCalendar, expectedMinutes } from "../../src/domain/calendar.ts";
import { isClosedByRule } from "../../src/domain/holidays.ts";

const sparseFile = join(
  process.env["MDS_SHARED"] ?? "../shared",
  "data/bars/sparse_etf_dbb_fxy_closures_1m.csv",
);

describe("the calendar of a file of bars", () => {
  it.skipIf(!existsSync(sparseFile))(
    "closes exactly the sessions that the file lacks, and no date that the rules close",
    () => {
      const { dates } = loadCsvMarket(sparseFile);
      const overrides = overridesForFile(dates);
      expect(overrides.filter((override) => isClosedByRule(override.date))).toEqual([]);
      expect(overrides.length).toBeGreaterThan(0);
      const sessions = sessionsOfFile(dates, overrides);
      const [first, last] = [sessions[0], sessions.at(-1)];
      const between = createCalendar(overrides).sessionsBetween(
        first?.openMs ?? 0,
        last?.closeMs ?? 0,
      );
      expect(between.map((session) => session.date)).toEqual(dates);
    },
  );

  it.skipIf(!existsSync(sparseFile))(
    "counts the dates in New York, and leaves holidays and ad-hoc closures to the rules",
    () => {
      const { dates } = loadCsvMarket(sparseFile);
      expect(dates).toHaveLength(14);
      // The file has a bar of that UTC date: it printed in the evening before, New York time.
      expect(dates).not.toContain("2024-11-28");
      const overrides = overridesForFile(dates);
      const overridden = new Set(overrides.map(({ date }) => date));
      for (const date of ["2024-07-04", "2024-11-28", "2025-01-09"]) {
        expect(overridden.has(date)).toBe(false);
        expect(createCalendar().session(date)).toBeUndefined();
      }
      const sessions = sessionsOfFile(dates, overrides);
      expect(sessions.filter(({ earlyClose }) => earlyClose)).toHaveLength(4);
      const minutes = sessions.reduce((sum, session) => sum + expectedMinutes(session), 0);
      expect(2 * minutes).toBe(9_480);
    },
  );

  it("needs no override for a file of one date", () => {
    expect(overridesForFile(["2026-03-20"])).toEqual([]);
  });

  it("refuses a file with bars on a day without trading", () => {
    expect(() => sessionsOfFile(["2026-03-21"], [])).toThrow("2026-03-21");
  });
});
