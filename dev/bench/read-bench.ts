import { createCalendar, type TradingSession } from "../../src/domain/calendar.ts";
import { lastSessionDates } from "../../src/domain/session-ahead.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { MAX_READ_ROWS, readBars, readRollups } from "../../src/postgres/bars-store.ts";
import { storeHours } from "../../src/postgres/hours-store.ts";
import { readLatestBars } from "../../src/postgres/latest-store.ts";
import type { SqlClient } from "../../src/postgres/sql-client.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { type BenchOptions, type Figures, percentile, rounded, timesOf } from "./figures.ts";
import { symbolAt } from "./market-flushes.ts";
import { loadSessions, type StoredMarket } from "./stored-market.ts";

const SIZES = {
  full: { sessions: 252, symbols: 200, market: 8_000, reads: 400 },
  quick: { sessions: 20, symbols: 10, market: 1_000, reads: 100 },
} as const;
const WARM_UPS = 20;
/** Before it nothing of the market was known; after it all of it. */
const LAST_NIGHT_MS = Date.UTC(2026, 2, 21);

/** Something that clients ask for, done once by the store function behind it; `index` picks what is asked for. */
interface ReadRoute {
  readonly name: string;
  readonly aim: string;
  readonly read: (sql: SqlClient, market: StoredMarket, index: number) => Promise<number>;
}

/** A read that answers other rows than it must is no read: the count is checked. */
const ROUTES: readonly ReadRoute[] = [
  {
    name: "symbol_day_1m",
    aim: "p99 <= 25 ms",
    read: async (sql, { sessions, symbols }, index) => {
      const session = sessions[(index * 89) % sessions.length];
      if (session === undefined) return 0;
      const bars = await readBars(sql, {
        symbols: [symbolAt((index * 37) % symbols)],
        interval: "1m",
        startMs: session.openMs,
        endMs: session.closeMs,
        asOfMs: LAST_NIGHT_MS + DAY_MS,
        limit: 1_000,
      });
      return bars.length - (session.closeMs - session.openMs) / MINUTE_MS;
    },
  },
  {
    name: "latest_500",
    aim: "<= 50 ms",
    read: async (sql, { market }, index) => {
      const count = Math.min(market, 500);
      const asked = Array.from({ length: count }, (_, place) => symbolAt(place));
      const asOfMs = LAST_NIGHT_MS + DAY_MS + index;
      return (await readLatestBars(sql, { symbols: asked, interval: "1m", asOfMs })).length - count;
    },
  },
  {
    name: "symbol_year_1h",
    aim: "<= 200 ms",
    read: async (sql, { sessions, symbols }, index) => {
      const [first, last] = [sessions[0], sessions.at(-1)];
      if (first === undefined || last === undefined) return 0;
      const bars = await readRollups(sql, {
        symbols: [symbolAt((index * 37) % symbols)],
        interval: "1h",
        startMs: first.openMs - (first.openMs % HOUR_MS),
        endMs: last.closeMs,
        asOfMs: LAST_NIGHT_MS + DAY_MS,
        limit: MAX_READ_ROWS,
      });
      // Seven of the clock's hours have minutes of a session, the first of them half an hour.
      return bars.length - sessions.reduce((sum, each) => sum + hoursOf(each), 0);
    },
  },
  {
    name: "market_minute",
    aim: "p99 <= 100 ms",
    read: async (sql, { sessions, market }, index) => {
      const openMs = sessions.at(-1)?.openMs ?? 0;
      const startMs = openMs + (index % 390) * MINUTE_MS;
      const bars = await readBars(sql, {
        symbols: Array.from({ length: market }, (_, place) => symbolAt(place)),
        interval: "1m",
        startMs,
        endMs: startMs + MINUTE_MS,
        asOfMs: LAST_NIGHT_MS + DAY_MS,
        limit: MAX_READ_ROWS,
      });
      return bars.length - market;
    },
  },
];

/** Hours of the clock in which minutes of a session lie. */
function hoursOf({ openMs, closeMs }: TradingSession): number {
  return Math.ceil(closeMs / HOUR_MS) - Math.floor(openMs / HOUR_MS);
}

/**
 * Reads of a year of minutes. What is timed is the store function, from its call to the parsed rows: the driver,
 * HTTP and the endpoint in this process are in it, the Worker and the horizon are not. One read after the other.
 */
export async function benchRead(
  { sql, run, dir }: BenchDatabase,
  { quick, say }: BenchOptions,
): Promise<Figures> {
  const { reads, ...size } = quick ? SIZES.quick : SIZES.full;
  const dates = lastSessionDates(createCalendar(), LAST_NIGHT_MS, size.sessions);
  const market = await loadSessions({ run, sql, dir }, dates, size);
  say(`read: ${market.rows} bars of ${dates.length} sessions loaded, ${market.rowsPerS} rows/s`);
  say(
    `read: all sessions but the last packed in ${(market.packedMs / 1_000).toFixed(1)} s, their hours kept in ${(market.hoursMs / 1_000).toFixed(1)} s`,
  );
  const figures: Record<string, Readonly<Record<string, number>>> = {};
  for (const { name, aim, read } of ROUTES) {
    const times = await timesOf(
      reads,
      async (index) => {
        const excess = await read(sql, market, index);
        if (excess !== 0) throw new Error(`${name}: ${excess} rows beyond what is stored`);
      },
      WARM_UPS,
    );
    const [p50, p99] = [0.5, 0.99].map((share) => rounded(percentile(times, share)));
    figures[name] = { p50_ms: p50 ?? Number.NaN, p99_ms: p99 ?? Number.NaN };
    say(`read: ${name}: p50 ${p50} ms, p99 ${p99} ms; aim: ${aim}`);
  }
  const last = market.sessions.at(-1);
  if (last !== undefined) {
    const startMs = performance.now();
    await storeHours(sql, last.date);
    const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
    say(`read: the hours of the last session, ${market.market} symbols, kept in ${tookS} s`);
  }
  return figures;
}
