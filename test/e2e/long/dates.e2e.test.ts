import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { barsFile, runSessionTool } from "../../support/session-tool.ts";

const sparse = barsFile("sparse_etf_dbb_fxy_closures_1m.csv");
/** Two early closes, half a year apart: a holiday by the rules is the first date that is jumped. */
const DATES = ["2024-07-03", "2024-12-24"];
const TIMEOUT_MS = 600_000;

describe.skipIf(!existsSync(sparse))("trading dates of two thin symbols", () => {
  it(
    "are told apart minute by minute, and nobody asks for what was no trade",
    { timeout: TIMEOUT_MS },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "mds-dates-"));
      try {
        const [header = "", ...rows] = readFileSync(sparse, "utf8").split("\n");
        const played = rows.filter((row) => DATES.some((date) => row.includes(`,${date}T`)));
        const file = join(folder, "two-dates.csv");
        writeFileSync(file, `${[header, ...played].join("\n")}\n`);
        const options = ["--bars", file, "--groups", "1", "--clients", "2"];
        const report = await runSessionTool([...options, "--quotes-every", "3600"], TIMEOUT_MS);
        expect(report).toMatchObject({
          sessions: 2,
          expected_minutes: 840,
          stored: { pre: 0, regular: 275, closing_window: 3, post: 0 },
          in_postgres: 278,
          no_trade: 565,
          missing: 0,
          pending: 0,
          wrong: 0,
          gaps: { open: 0, filled: 0, dead: 0, unfillable: 0 },
          gaps_outside_sessions: 0,
          backfill_jobs: 0,
          asked_after_settle: 0,
          stream: { lost: 0, duplicate: 0, recovered_pct: 100 },
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
