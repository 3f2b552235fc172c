import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import type { WallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { daysToStoreHours, storeHours } from "../postgres/hours-store.ts";
import { daysToPack, packDay } from "../postgres/retention-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { lastAudit } from "./plan-audit.ts";

/** Of one statement: packing a day of 8,000 symbols took 23 s on two busy cores. */
export const CLOSED_DAY_TIMEOUT_MS = 150_000;

/** Whose days are treated, and when it is. */
export interface ClosedDaysDeps {
  /** Waits `CLOSED_DAY_TIMEOUT_MS` for an answer. */
  readonly sql: SqlClient;
  readonly calendar: Calendar;
  readonly nowMs: EpochMs;
  readonly wall: WallClock;
}

/** The days that were treated, in turn. */
export interface ClosedDays {
  readonly packed: readonly string[];
  readonly hoursKept: readonly string[];
}

/** Something that is done once to a day whose session is audited, and that nothing depends on. */
interface DayWork {
  readonly name: string;
  readonly list: (sql: SqlClient, until: TradingDate, limit: number) => Promise<string[]>;
  /** Whether it was done. */
  readonly act: (sql: SqlClient, day: string) => Promise<boolean>;
  /** A night does what came in since the last one, and something of what an upgrade found. */
  readonly maxDays: number;
  /** No day is begun later in the night's work: a task that has not ended after ten minutes is given up for lost. */
  readonly maxMs: number;
}

const PACKING: DayWork = {
  name: "pack",
  list: daysToPack,
  act: packDay,
  maxDays: 4,
  maxMs: 240_000,
};

const KEEPING_HOURS: DayWork = {
  name: "keep hours",
  list: daysToStoreHours,
  act: async (sql, day) => {
    await storeHours(sql, day);
    return true;
  },
  maxDays: 20,
  maxMs: 330_000,
};

/**
 * Of days whose session is audited: stores a few by symbol, oldest first, then keeps the hours of some, newest first.
 * A day that can't be had now is left to the next night. Never rejects.
 */
export async function treatClosedDays(deps: ClosedDaysDeps): Promise<ClosedDays> {
  const startMs = deps.wall.now();
  const packed = await treatDays(deps, PACKING, startMs);
  return { packed, hoursKept: await treatDays(deps, KEEPING_HOURS, startMs) };
}

async function treatDays(
  { sql, calendar, nowMs, wall }: ClosedDaysDeps,
  work: DayWork,
  startMs: EpochMs,
): Promise<string[]> {
  const { date } = lastAudit(nowMs, calendar);
  const days = await work.list(sql, date, work.maxDays).catch((error: unknown) => {
    log("warn", "closed days could not be listed", { work: work.name, error: errorText(error) });
    return [];
  });
  const done: string[] = [];
  for (const day of days) {
    if (wall.now() - startMs > work.maxMs) break;
    if (await tryDay(sql, work, day)) done.push(day);
  }
  if (days.length > 0)
    log("info", "closed days were treated", {
      work: work.name,
      done: done.length,
      of: days.length,
    });
  return done;
}

async function tryDay(sql: SqlClient, { name, act }: DayWork, day: string): Promise<boolean> {
  try {
    const isDone = await act(sql, day);
    if (!isDone)
      log("info", "a closed day was in use and waits for another night", { work: name, day });
    return isDone;
  } catch (error) {
    log("warn", "a closed day could not be treated", { work: name, day, error: errorText(error) });
    return false;
  }
}
