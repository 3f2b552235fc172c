import type { TaskOf, TaskOutcome } from "../contracts/tasks.ts";
import type { SourcedQuote } from "../domain/quote-check.ts";
import { planQuoteSweeps } from "../domain/quote-plan.ts";
import { groupName, groupOf } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import { loadTierSymbols } from "../postgres/tier-store.ts";
import { policyProviders } from "../providers/registry.ts";
import { recordDecision } from "../routing/failover.ts";
import { type PlannedTask, taskDuty } from "../symbol-group/service-duties.ts";
import { type QuoteSweep, sweepQuotes } from "./quote-sweep.ts";
import { workerDeps } from "./worker-deps.ts";

/** T0 is 500 symbols; pins may add to it. More than this are not asked for, and that is said. */
const MAX_QUOTED_SYMBOLS = 1_000;
/** The list of T0 is read again after this long, market time: tiers change once a day. */
const LIST_TTL_MS = 5 * MINUTE_MS;

/** The sweeps for quotes that a cron tick makes due; none while nobody serves the policy. */
export function planQuoteTasks(tickMs: EpochMs, settings: Settings): PlannedTask[] {
  if (policyProviders(settings, "quotes_l1").length === 0) return [];
  const { sessions, quote_every_s: everyS } = settings.config;
  const sweeps = planQuoteSweeps(calendarOf(settings), sessions, everyS * SECOND_MS, tickMs);
  return sweeps.map((dueMs) => ({
    task: { v: 1, type: "quotes", duty: taskDuty("quotes", String(dueMs)), due_ms: dueMs },
    dueMs,
    once: true,
  }));
}

/**
 * Fetches the newest quotes of T0 and hands each group those of its symbols. A sweep that comes so late
 * that the next one is due asks for nothing: both would ask for the same.
 */
export async function runQuotesTask(
  task: TaskOf<"quotes">,
  settings: Settings,
  env: Env,
): Promise<TaskOutcome> {
  const lateMs = marketClock.now() - task.due_ms;
  if (lateMs >= settings.config.quote_every_s * SECOND_MS)
    return { calls: [], selected: [], failures: [], done: true };
  return (await sweepAndScatter(await quotedSymbols(settings), settings, env)).outcome;
}

/** Fetches the newest quotes of these symbols as a sweep does; answers how many symbols nobody answered. */
export async function fetchQuotes(
  symbols: readonly string[],
  settings: Settings,
  env: Env,
): Promise<number> {
  return (await sweepAndScatter(symbols, settings, env)).open;
}

async function sweepAndScatter(
  symbols: readonly string[],
  settings: Settings,
  env: Env,
): Promise<QuoteSweep> {
  const deps = workerDeps(settings, env);
  const sweep = await sweepQuotes(symbols, {
    providers: policyProviders(settings, "quotes_l1"),
    ...deps,
  });
  await scatter(sweep.quotes, settings, env);
  await recordDecision(sweep.decision, deps.breaker);
  return sweep;
}

/** A group that is not reached has its next quotes with the next sweep. */
async function scatter(
  quotes: readonly SourcedQuote[],
  settings: Settings,
  env: Env,
): Promise<void> {
  const byGroup = Map.groupBy(quotes, ({ symbol }) => groupOf(symbol, settings.symbolGroups));
  const receivedAt = wallClock.now();
  await Promise.all(
    Array.from(byGroup, async ([group, mine]) => {
      try {
        await symbolGroupStub(env, group).ingestQuotes({ quotes: mine, receivedAt });
      } catch (error) {
        log("warn", "a group did not take its quotes", {
          group: groupName(group),
          error: errorText(error),
        });
      }
    }),
  );
}

const lists = new WeakMap<Settings, { readAtMs: EpochMs; symbols: readonly string[] }>();

/** T0 of the universe; while it can't be read, the list that was read last. */
async function quotedSymbols(settings: Settings): Promise<readonly string[]> {
  const known = lists.get(settings);
  const nowMs = marketClock.now();
  if (known !== undefined && nowMs - known.readAtMs < LIST_TTL_MS) return known.symbols;
  try {
    const found = await loadTierSymbols(sqlClientOf(settings), "T0", MAX_QUOTED_SYMBOLS + 1);
    if (found.length > MAX_QUOTED_SYMBOLS)
      log("warn", "T0 has more symbols than quotes are asked for", { asked: MAX_QUOTED_SYMBOLS });
    const symbols = found.slice(0, MAX_QUOTED_SYMBOLS);
    lists.set(settings, { readAtMs: nowMs, symbols });
    return symbols;
  } catch (error) {
    if (known === undefined) throw error;
    log("warn", "T0 could not be read; the known list stays", { error: errorText(error) });
    return known.symbols;
  }
}
