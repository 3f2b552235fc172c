import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { inSeconds, runChild } from "./run-child.ts";

/** A real server has one storage profile; the embedded databases have either. */
const PG_PROJECTS =
  process.env["DATABASE_URL_TEST"] === undefined
    ? ["--project", "pg", "--project", "pg-timescale"]
    : ["--project", "pg"];

/** Cheapest first, so that most mistakes show within seconds. `vitest` is what a test stage adds. */
const STAGES = [
  { name: "check", vitest: null },
  { name: "unit", vitest: ["--project", "unit"] },
  { name: "workers", vitest: ["--config", "vitest.workers.config.ts"] },
  { name: "pg", vitest: PG_PROJECTS },
  { name: "e2e", vitest: ["--project", "e2e"] },
  { name: "e2e-long", vitest: ["--project", "e2e-long", "--project", "browser"] },
] as const;
type Stage = (typeof STAGES)[number];

/** Nothing is left out, be it long or lacking what it needs: as in CI. */
const REQUIRE_ALL = process.env["REQUIRE_ALL"] === "1";

const EXIT_USAGE = 2;
const MAX_LISTED_SKIPS = 20;

/** What is read of vitest's JSON report. */
const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

/** The outcome of one stage. `failed` counts a stage that fails with no failed test as one. */
interface Outcome {
  readonly stage: string;
  readonly code: number;
  readonly durationMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  readonly interrupted: boolean;
}

function readReport(file: string): z.infer<typeof reportSchema> | null {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // A runner that crashed leaves none; its exit code speaks.
    return null;
  }
}

async function runStage(stage: Stage, reportDir: string): Promise<Outcome> {
  if (stage.vitest === null) {
    const result = await runChild(["dev/check.ts"]);
    const failed = result.code === 0 ? 0 : 1;
    return { ...result, stage: stage.name, passed: 0, failed, skipped: [] };
  }
  const file = join(reportDir, `${stage.name}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code, durationMs, interrupted } = await runChild([
    "node_modules/vitest/vitest.mjs",
    "run",
    ...stage.vitest,
    ...reporters,
  ]);
  const report = readReport(file);
  const tests = report?.testResults.flatMap((result) => result.assertionResults) ?? [];
  const failedTests = report?.numFailedTests ?? 0;
  return {
    stage: stage.name,
    code: code === 0 && report === null ? 1 : code,
    durationMs,
    interrupted,
    passed: report?.numPassedTests ?? 0,
    failed: code === 0 && report !== null ? 0 : Math.max(1, failedTests),
    skipped: tests
      .filter((test) => !["passed", "failed"].includes(test.status))
      .map((test) => `${stage.name}: ${test.fullName}`),
  };
}

/** Prints what ran, what was skipped and the sum; answers the exit code. */
function summarize(outcomes: readonly Outcome[], skipIsFailure: boolean): number {
  const sum = (pick: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  console.log("");
  for (const { stage, code, durationMs } of outcomes) {
    const verdict = code === 0 ? "ok" : `FAILED (exit ${code})`;
    console.log(`test: ${stage.padEnd(8)} ${verdict} ${inSeconds(durationMs)}`);
  }
  const skipped = outcomes.flatMap((outcome) => outcome.skipped);
  for (const name of skipped.slice(0, MAX_LISTED_SKIPS)) console.log(`test: skipped ${name}`);
  const unlisted = skipped.length - MAX_LISTED_SKIPS;
  if (unlisted > 0) console.log(`test: … and ${unlisted} more skipped`);
  if (skipIsFailure && skipped.length > 0) console.log("test: REQUIRE_ALL=1: a skip is a failure");
  const total = inSeconds(sum((outcome) => outcome.durationMs));
  console.log(`test: total ${total}`);
  const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
  console.log(
    `${sum((outcome) => outcome.passed)} passed, ${sum((outcome) => outcome.failed)} failed${tail}`,
  );
  const bad = outcomes.some((outcome) => outcome.code !== 0);
  return bad || (skipIsFailure && skipped.length > 0) ? 1 : 0;
}

/**
 * `npm test`: all stages but the long one, that too with REQUIRE_ALL=1; `npm test -- unit pg`: those named;
 * `--bail`: up to a failure.
 */
async function main(argv: readonly string[]): Promise<number> {
  const bail = argv.includes("--bail");
  const names = argv.filter((argument) => argument !== "--bail");
  const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    console.error(`unknown stage: ${unknown.join(", ")}`);
    console.error(`stages: ${STAGES.map((stage) => stage.name).join(", ")}; option: --bail`);
    return EXIT_USAGE;
  }
  const isAsked = ({ name }: Stage) =>
    names.length === 0 ? REQUIRE_ALL || name !== "e2e-long" : names.includes(name);
  const stages = STAGES.filter(isAsked);
  const reportDir = mkdtempSync(join(tmpdir(), "market-data-test-"));
  const outcomes: Outcome[] = [];
  try {
    for (const stage of stages) {
      console.log(`\ntest: ${stage.name}`);
      const outcome = await runStage(stage, reportDir);
      outcomes.push(outcome);
      if (outcome.interrupted || (bail && outcome.code !== 0)) break;
    }
  } finally {
    rmSync(reportDir, { recursive: true, force: true });
  }
  const notRun = stages.slice(outcomes.length).map((stage) => stage.name);
  if (notRun.length > 0) console.log(`test: not run: ${notRun.join(", ")}`);
  if (names.length === 0 && !REQUIRE_ALL) console.log("test: left to CI: npm test -- e2e-long");
  const code = summarize(outcomes, REQUIRE_ALL);
  return notRun.length > 0 ? Math.max(1, code) : code;
}

process.exitCode = await main(process.argv.slice(2));
