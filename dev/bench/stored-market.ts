import { join } from "node:path";
import { createCalendar, type TradingSession } from "../../src/domain/calendar.ts";
import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import { storeHours } from "../../src/postgres/hours-store.ts";
import type { SqlClient } from "../../src/postgres/sql-client.ts";
import type { BenchDatabase } from "./bench-database.ts";

/** What was loaded: all minutes of `symbols` in each session, in the last one of the whole `market`. */
export interface StoredMarket {
  /** Oldest first. */
  readonly sessions: readonly TradingSession[];
  readonly symbols: number;
  readonly market: number;
  readonly rows: number;
  /** Of the COPY alone. */
  readonly rowsPerS: number;
  /** How long it took to pack all sessions but the last, and to keep their hours. */
  readonly packedMs: number;
  readonly hoursMs: number;
}

/** Every minute of a session in the order in which drains write it, minute by minute. The words in capitals are put in: COPY binds nothing. */
const SESSION_SQL = `
select 'S' || lpad(place::text, 4, '0'), '1m', minute.ts,
  minute.close - 0.02, minute.close + 0.05, minute.close - 0.04, minute.close,
  100 + (place * 104729 + m) % 90000, minute.close + 0.0037, 1 + (place + m) % 700,
  minute.ts + interval '64 seconds', minute.ts + interval '63 seconds',
  'alpaca', 'sip', 'regular', 'first', 0
from generate_series(0, MINUTES - 1) m
cross join generate_series(0, SYMBOLS - 1) place
cross join lateral (
  select timestamptz 'OPEN' + m * interval '1 minute' as ts, 20 + (place * 7919 + m) % 30000 / 100.0 as close
) minute
order by m, place`;

/**
 * Loads sessions by COPY from files that the server makes itself, then packs all but the last and keeps their hours, as
 * the nightly task has done with days whose session is audited.
 */
export async function loadSessions(
  { run, sql, dir }: Pick<BenchDatabase, "run" | "sql" | "dir">,
  dates: readonly TradingDate[],
  { symbols, market }: Pick<StoredMarket, "symbols" | "market">,
): Promise<StoredMarket> {
  const calendar = createCalendar();
  const sessions = dates.flatMap((date) => calendar.session(date) ?? []);
  const file = join(dir, "made.copy");
  let [rows, copyMs] = [0, 0];
  for (const [index, { date, openMs, closeMs }] of sessions.entries()) {
    const minutes = (closeMs - openMs) / MINUTE_MS;
    const count = index === sessions.length - 1 ? market : symbols;
    const made = SESSION_SQL.replace("MINUTES", String(minutes))
      .replace("SYMBOLS", String(count))
      .replace("OPEN", toIso(openMs));
    await run("select ensure_day_partitions($1, $1)", [date]);
    await run(`copy (${made}) to '${file}'`);
    const startMs = performance.now();
    await run(
      `copy candles_intraday (
        symbol, interval, ts, open, high, low, close, volume, vwap, trade_count,
        as_of, asked_at, provider, feed, session, status, revision
      ) from '${file}'`,
    );
    copyMs += performance.now() - startMs;
    rows += minutes * count;
  }
  const closed = sessions.slice(0, -1);
  const packedMs = await packSessions(run, closed);
  const hoursMs = await keepHours(sql, closed);
  await run("vacuum analyze");
  // A read is not measured against the writing out of what was loaded.
  await run("checkpoint");
  const rowsPerS = Math.round((rows / copyMs) * 1_000);
  return { sessions, symbols, market, rows, rowsPerS, packedMs, hoursMs };
}

async function packSessions(
  run: BenchDatabase["run"],
  sessions: readonly TradingSession[],
): Promise<number> {
  const startMs = performance.now();
  for (const { date } of sessions) {
    const [answer] = await run("select pack_day($1) as packed", [date]);
    if (answer?.["packed"] !== true) throw new Error(`${date} was not packed`);
  }
  return performance.now() - startMs;
}

async function keepHours(sql: SqlClient, sessions: readonly TradingSession[]): Promise<number> {
  const startMs = performance.now();
  for (const { date } of sessions) await storeHours(sql, date);
  return performance.now() - startMs;
}
