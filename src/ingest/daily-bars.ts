import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import { oldestFlushedDate } from "../domain/daily-plan.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { loadActiveSymbols } from "../postgres/active-symbols.ts";
import { storeHistory } from "../postgres/history-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { dailyTs } from "../providers/daily-bar.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { runDailyJob } from "./run-daily-job.ts";
import { workerDeps } from "./worker-deps.ts";

/**
 * Runs a task of daily bars: asks for every active symbol, then hands each group its part of the last
 * sessions, and stores older dates straight in Postgres. Whatever of it failed is asked for again whole:
 * the same bars twice change nothing.
 */
export async function runDailyTask(
  task: TaskOf<"daily_bars">,
  settings: Settings,
  env: Env,
): Promise<TaskOutcome> {
  const sql = sqlClientOf(settings);
  const groupOf = await loadActiveSymbols(sql);
  // Without symbols nothing was asked for, so no date is answered.
  if (groupOf.size === 0) return { calls: [], selected: [], failures: [], done: false };
  const calendar = calendarOf(settings);
  const deps = workerDeps(settings, env);
  const recentFrom = oldestFlushedDate(calendar, marketClock.now());
  const isRecent = task.dates.some((date) => date >= recentFrom);
  const job = {
    symbols: [...groupOf.keys()],
    dates: task.dates,
    lane: isRecent ? ("live" as const) : ("T2" as const),
    recentFrom,
  };
  const { answers, outcome, decision } = await runDailyJob(job, {
    providers: policyProviders(settings, "bars_1d"),
    ...deps,
    calendar,
  });
  const isStored = await scatterDaily(answers, groupOf, recentFrom, settings, env);
  await recordDecision(decision, deps.breaker);
  return isStored ? outcome : { ...outcome, done: false, answered_dates: [] };
}

/**
 * Hands every group its part of the dates from `recentFrom` on, in the order of the answers, and stores
 * older ones; false when some part was not stored.
 */
export async function scatterDaily(
  answers: readonly DailyAnswer[],
  groupOf: ReadonlyMap<string, number>,
  recentFrom: TradingDate,
  settings: Settings,
  env: Env,
): Promise<boolean> {
  const recentFromMs = dailyTs(recentFrom);
  const byGroup = cutByGroup(answers, groupOf);
  const recent = [...byGroup].map(async ([group, parts]) => {
    const flushed = parts.filter((part) => startOf(part) >= recentFromMs);
    if (flushed.length > 0) await symbolGroupStub(env, group).ingestDaily(flushed);
  });
  const results = await Promise.allSettled([...recent, storeOld(byGroup, recentFromMs, settings)]);
  const failed = results.filter((result) => result.status === "rejected");
  for (const { reason } of failed) {
    log("error", "daily bars were not stored", { error: errorText(reason) });
  }
  return failed.length === 0;
}

/** One group after the other: history has time, and the database other work. */
async function storeOld(
  byGroup: ReadonlyMap<number, readonly DailyAnswer[]>,
  recentFromMs: number,
  settings: Settings,
): Promise<void> {
  const sql = sqlClientOf(settings);
  for (const [group, parts] of byGroup) {
    const old = parts.filter((part) => startOf(part) < recentFromMs);
    for (const answer of joinedBySource(old)) {
      await storeHistory(sql, {
        group,
        interval: "1d",
        ...answer,
        sessionOf: () => "regular",
        nowMs: marketClock.now(),
      });
    }
  }
}

/** Answers of one provider, asked at one time, as one: fewer transactions. */
function joinedBySource(answers: readonly DailyAnswer[]): DailyAnswer[] {
  const joined = new Map<string, DailyAnswer>();
  for (const answer of answers) {
    const key = `${answer.source.provider} ${answer.source.feed} ${answer.askedAt} ${answer.settle}`;
    const before = joined.get(key);
    joined.set(
      key,
      before === undefined ? answer : { ...answer, bars: before.bars.concat(answer.bars) },
    );
  }
  return [...joined.values()];
}

/** Each group's part of the answers, in their order; a part says what it covers even without bars. */
function cutByGroup(
  answers: readonly DailyAnswer[],
  groupOf: ReadonlyMap<string, number>,
): Map<number, DailyAnswer[]> {
  const byGroup = new Map<number, DailyAnswer[]>();
  for (const answer of answers) {
    const bars = Map.groupBy(answer.bars, (bar) => groupOf.get(bar.symbol) ?? -1);
    const covered = answer.covered.map((part) => ({
      ...part,
      byGroup: Map.groupBy(part.symbols, (symbol) => groupOf.get(symbol) ?? -1),
    }));
    const groups = new Set([
      ...bars.keys(),
      ...covered.flatMap((part) => [...part.byGroup.keys()]),
    ]);
    for (const group of groups) {
      const part = {
        ...answer,
        bars: bars.get(group) ?? [],
        covered: covered.flatMap(({ startMs, endMs, byGroup: symbolsOf }) => {
          const symbols = symbolsOf.get(group) ?? [];
          return symbols.length === 0 ? [] : [{ symbols, startMs, endMs }];
        }),
      };
      const parts = byGroup.get(group);
      if (parts === undefined) byGroup.set(group, [part]);
      else parts.push(part);
    }
  }
  byGroup.delete(-1);
  return byGroup;
}

/** The `ts` of an answer's date. */
function startOf(answer: DailyAnswer): number {
  return answer.covered[0]?.startMs ?? answer.bars[0]?.ts ?? 0;
}
