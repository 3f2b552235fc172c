import type { Calendar } from "../domain/calendar.ts";
import type { EpochMs } from "../domain/time.ts";
import type { WallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { daysToPack, packDay } from "../postgres/retention-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { lastAudit } from "./plan-audit.ts";

/** Of one statement: a day of 8,000 symbols took 23 s on two busy cores. */
export const PACK_TIMEOUT_MS = 150_000;
/** A night packs what came in since the last one, and something of what an upgrade found. */
const MAX_DAYS = 4;
/** No day is begun later: a task that has not ended after ten minutes is given up for lost. */
const MAX_PACKING_MS = 240_000;

/** What is packed, and when it is. */
export interface PackDeps {
  /** Waits `PACK_TIMEOUT_MS` for an answer. */
  readonly sql: SqlClient;
  readonly calendar: Calendar;
  readonly nowMs: EpochMs;
  readonly wall: WallClock;
}

/**
 * Stores days by symbol whose session is audited, oldest first, a few at most; answers which. A day that can't be packed
 * now is left to the next night, for nothing depends on it. Never rejects.
 */
export async function packDays({ sql, calendar, nowMs, wall }: PackDeps): Promise<string[]> {
  const startMs = wall.now();
  const { date } = lastAudit(nowMs, calendar);
  const days = await daysToPack(sql, date, MAX_DAYS).catch((error: unknown) => {
    log("warn", "days to pack could not be listed", { error: errorText(error) });
    return [];
  });
  const packed: string[] = [];
  for (const day of days) {
    if (wall.now() - startMs > MAX_PACKING_MS) break;
    if (await tryDay(sql, day)) packed.push(day);
  }
  if (days.length > 0) log("info", "days were packed", { packed: packed.length, of: days.length });
  return packed;
}

async function tryDay(sql: SqlClient, day: string): Promise<boolean> {
  try {
    const isPacked = await packDay(sql, day);
    if (!isPacked) log("info", "a day was in use and is packed another night", { day });
    return isPacked;
  } catch (error) {
    log("warn", "a day could not be packed", { day, error: errorText(error) });
    return false;
  }
}
