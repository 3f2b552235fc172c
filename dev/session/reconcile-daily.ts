import { z } from "zod";
import type { Calendar, TradingSession } from "../../src/domain/calendar.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { TradingDate } from "../../src/domain/trading-date.ts";
import type { Database } from "../database/database.ts";
import type { Market } from "../market/market.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import { dailyVersionsOf } from "../market/truth.ts";

/** The daily bars in Postgres, held against what the sandbox served by the end of the run. */
export interface DailyReconciliation {
  readonly dates: number;
  readonly bars_expected: number;
  readonly in_postgres: number;
  readonly missing: number;
  readonly wrong: number;
  /** The first few faults in words. */
  readonly faults: readonly string[];
}

/** What of the sessions is reconciled, and at which market time. */
export interface DailyInput {
  readonly database: Database;
  readonly market: Market;
  readonly publication: PublicationSchedule;
  readonly calendar: Calendar;
  readonly sessions: readonly TradingSession[];
  readonly nowMs: EpochMs;
  /** Sessions before the first that a new deployment fetches. */
  readonly sessionsBefore: number;
}

const rowSchema = z.object({
  symbol: z.string(),
  date: z.string(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  provider: z.enum(["alpaca", "polygon"]),
  feed: z.enum(["sip"]),
});
const MAX_FAULTS = 10;

/** Holds the daily bar of each symbol and session, and those of the sessions before, against the truth. */
export async function reconcileDaily(input: DailyInput): Promise<DailyReconciliation> {
  const rows = await input.database.query(
    `select symbol, trading_date::text as date, open, high, low, close, volume, provider, feed from candles_daily`,
  );
  const stored = new Map(
    rows.map((row) => rowSchema.parse(row)).map((row) => [`${row.symbol} ${row.date}`, row]),
  );
  const dates = datesOf(input);
  const faults: string[] = [];
  let expected = 0;
  let missing = 0;
  for (const date of dates) {
    for (const { symbol } of input.market.symbols) {
      const key = `${symbol} ${date}`;
      const row = stored.get(key);
      stored.delete(key);
      const versions = dailyVersionsOf(
        input.publication,
        row?.provider ?? "polygon",
        "sip",
        symbol,
        date,
      );
      const bar = versions.findLast(({ visibleAtMs }) => visibleAtMs <= input.nowMs)?.bar;
      if (bar !== undefined) expected += 1;
      if (row === undefined) missing += bar === undefined ? 0 : 1;
      else if (
        bar === undefined ||
        [bar.o, bar.h, bar.l, bar.c, bar.v].join() !==
          [row.open, row.high, row.low, row.close, row.volume].join()
      )
        faults.push(`daily bar ${key} is not what ${row.provider} says`);
    }
  }
  for (const key of stored.keys()) faults.push(`daily bar ${key} is stored and should not be`);
  return {
    dates: dates.length,
    bars_expected: expected,
    in_postgres: rows.length,
    missing,
    wrong: faults.length,
    faults: faults.slice(0, MAX_FAULTS),
  };
}

function datesOf({ calendar, sessions, sessionsBefore }: DailyInput): TradingDate[] {
  const dates = sessions.map(({ date }) => date);
  let [before] = sessions;
  for (let back = 0; back < sessionsBefore && before !== undefined; back += 1) {
    before = calendar.previousSession(before.openMs - 1);
    dates.push(before.date);
  }
  return dates;
}
