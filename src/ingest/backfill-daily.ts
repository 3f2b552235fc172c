import { openCauseOf } from "../backfill/open-cause.ts";
import type { BackfillEnd, BackfillRun } from "../contracts/backfill.ts";
import { oldestFlushedDate } from "../domain/daily-plan.ts";
import { groupOf } from "../domain/symbol.ts";
import { DAY_MS } from "../domain/time.ts";
import { parseTradingDate } from "../domain/trading-date.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { scatterDaily } from "./daily-bars.ts";
import { runDailyJob } from "./run-daily-job.ts";
import { workerDeps } from "./worker-deps.ts";

/** Runs a job of daily bars; a date that was not answered for all of its symbols stays open for all. */
export async function backfillDaily(
  run: BackfillRun,
  settings: Settings,
  env: Env,
): Promise<BackfillEnd> {
  const calendar = calendarOf(settings);
  const deps = workerDeps(settings, env);
  const dates = calendar
    .sessionsBetween(run.start_ms, run.end_ms + DAY_MS)
    .map(({ date }) => date)
    .filter((date) => {
      const ts = parseTradingDate(date) * DAY_MS;
      return ts >= run.start_ms && ts < run.end_ms;
    });
  const recentFrom = oldestFlushedDate(calendar, marketClock.now());
  const { answers, outcome, decision } = await runDailyJob(
    { symbols: run.symbols, dates, lane: run.tier, recentFrom },
    { providers: policyProviders(settings, "bars_1d"), ...deps, calendar },
  );
  const homes = new Map(
    run.symbols.map((symbol) => [symbol, groupOf(symbol, settings.symbolGroups)]),
  );
  const isStored = await scatterDaily(answers, homes, recentFrom, settings, env);
  await recordDecision(decision, deps.breaker);
  if (!isStored) throw new Error("daily bars were not stored");
  const answered = new Set(outcome.answered_dates ?? []);
  const open = dates
    .filter((date) => !answered.has(date))
    .flatMap((date) => {
      const startMs = parseTradingDate(date) * DAY_MS;
      return run.symbols.map((symbol) => ({ symbol, startMs, endMs: startMs + DAY_MS }));
    });
  const { failures } = outcome;
  const asked = { failures, answered: answers.length > 0, uncovered: open.length > 0 };
  return { open, cause: open.length === 0 ? null : openCauseOf(asked, [decision]) };
}
