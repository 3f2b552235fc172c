import { vi } from "vitest";
import type { BackfillEnd, BackfillRun } from "../../../src/contracts/backfill.ts";
import { FetchRunner } from "../../../src/index.ts";

/** The job brought all of it. */
export const FILLED: BackfillEnd = { open: [], cause: null };

/** Nothing of the job was brought, for this reason. */
export function nothingOf(run: BackfillRun, cause: NonNullable<BackfillEnd["cause"]>): BackfillEnd {
  const range = { startMs: run.start_ms, endMs: run.end_ms };
  return { open: run.symbols.map((symbol) => ({ symbol, ...range })), cause };
}

export const AWAY = { kind: "wait", reason: "provider_away", wide: true, error: "502" } as const;
export const MALFORMED = { kind: "attempt", reason: "malformed", error: "not JSON" } as const;

/** Jobs go to a runner of the test's making; answers those that have begun, in order. */
export function fakeRunner(
  answer: (run: BackfillRun) => BackfillEnd | Promise<BackfillEnd>,
): BackfillRun[] {
  const runs: BackfillRun[] = [];
  vi.spyOn(FetchRunner.prototype, "runBackfill").mockImplementation(async (run) => {
    runs.push(run);
    return await answer(run);
  });
  return runs;
}
