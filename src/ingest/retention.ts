import type { TaskOutcome } from "../contracts/tasks.ts";
import { firstKeptDate } from "../domain/retention.ts";
import { DAY_MS, type EpochMs } from "../domain/time.ts";
import { calendarOf, type Settings } from "../env.ts";
import { marketClock, wallClock } from "../platform/clocks.ts";
import { log } from "../platform/log.ts";
import { ensurePartitions } from "../postgres/partition-store.ts";
import {
  dropExpired,
  forgetExpired,
  keepFrom,
  type KeptClass,
} from "../postgres/retention-store.ts";
import { sqlClientOf } from "../postgres/service-client.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { CLOSED_DAY_TIMEOUT_MS, treatClosedDays } from "./closed-days.ts";

/** Nobody waits for it, and a database may take its time over dropped files. */
const FETCH_TIMEOUT_MS = 60_000;
/** Over a long week-end of failed tries; a drain makes what it needs all the same. */
const DAYS_AHEAD = 8;
/** Statements of one kind in one run: an invocation has a bound on its requests. */
const MAX_STEPS = 25;
/** Rows that one statement deletes of a table: some 20 ms. */
const FORGET_ROWS = 2_000;

/** What is kept, where, and when it is. */
export interface RetentionDeps {
  readonly sql: SqlClient;
  readonly nowMs: EpochMs;
  readonly keptDays: Readonly<Record<KeptClass, number>>;
}

/**
 * The task `retention`, with the world that it acts on: once nothing is left to drop, days that are over are packed and
 * their hours kept.
 */
export async function runRetention(settings: Settings): Promise<TaskOutcome> {
  const nowMs = marketClock.now();
  const outcome = await keepRetention({
    sql: sqlClientOf(settings, FETCH_TIMEOUT_MS),
    nowMs,
    keptDays: settings.config.retention_days,
  });
  // A task that comes again does it then.
  if (outcome.done) {
    const sql = sqlClientOf(settings, CLOSED_DAY_TIMEOUT_MS);
    await treatClosedDays({ sql, calendar: calendarOf(settings), nowMs, wall: wallClock });
  }
  return outcome;
}

/**
 * Makes the partitions of the days to come, then drops the days that are not kept any more and forgets what is
 * told of them, in small steps. Not done when a step is left: the task comes again. A day that readers hold is
 * left to the next night. Rejects as `classifySqlError` says.
 */
export async function keepRetention({ sql, nowMs, keptDays }: RetentionDeps): Promise<TaskOutcome> {
  await ensurePartitions(sql, nowMs - DAY_MS, nowMs + DAYS_AHEAD * DAY_MS);
  const bars = await drop(sql, "bars", firstKeptDate(nowMs, keptDays.bars));
  const quotes = await drop(sql, "quotes", firstKeptDate(nowMs, keptDays.quotes));
  const forgotten = await untilNone(() =>
    forgetExpired(sql, firstKeptDate(nowMs, keptDays.bars), FORGET_ROWS),
  );
  const dropped = { bars: bars.count, quotes: quotes.count };
  log("info", "what is not kept any more was dropped", { ...dropped, forgotten: forgotten.count });
  const done = [bars, quotes, forgotten].every(({ isDone }) => isDone);
  return { calls: [], selected: [], failures: [], done, dropped };
}

async function drop(sql: SqlClient, kept: KeptClass, before: string): Promise<Steps> {
  await keepFrom(sql, kept, before);
  return await untilNone(() => dropExpired(sql, kept, before));
}

interface Steps {
  readonly count: number;
  readonly isDone: boolean;
}

async function untilNone(step: () => Promise<number>): Promise<Steps> {
  let count = 0;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const more = await step();
    if (more === 0) return { count, isDone: true };
    count += more;
  }
  return { count, isDone: false };
}
