import { createCalendar } from "../../src/domain/calendar.ts";
import { lastSessionDates } from "../../src/domain/session-ahead.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { MAX_READ_SYMBOLS, readBars } from "../../src/postgres/bars-store.ts";
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

/** A read that answers fewer rows than it must is no read: the count is checked. */
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
    name: "market_minute",
    aim: "p99 <= 100 ms (pages of 1,000 symbols, all at once)",
    read: async (sql, { sessions, market }, index) => {
      const openMs = sessions.at(-1)?.openMs ?? 0;
      const startMs = openMs + (index % 390) * MINUTE_MS;
      const symbols = Array.from({ length: market }, (_, place) => symbolAt(place));
      const pages = Array.from({ length: Math.ceil(market / MAX_READ_SYMBOLS) }, (_, page) =>
        symbols.slice(page * MAX_READ_SYMBOLS, (page + 1) * MAX_READ_SYMBOLS),
      );
      const answers = await Promise.all(
        pages.map((page) =>
          readBars(sql, {
            symbols: page,
            interval: "1m",
            startMs,
            endMs: startMs + MINUTE_MS,
            asOfMs: LAST_NIGHT_MS + DAY_MS,
            limit: MAX_READ_SYMBOLS,
          }),
        ),
      );
      return answers.flat().length - market;
    },
  },
];

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
  const market = await loadSessions({ run, dir }, dates, size);
  say(`read: ${market.rows} bars of ${dates.length} sessions loaded, ${market.rowsPerS} rows/s`);
  const figures: Record<string, Readonly<Record<string, number>>> = {};
  for (const { name, aim, read } of ROUTES) {
    const times = await timesOf(
      reads,
      async (index) => {
        const excess = await read(sql, market, index);
        if (excess !== 0) throw new Error(`${name}: ${excess} rows too many`);
      },
      WARM_UPS,
    );
    const [p50, p99] = [0.5, 0.99].map((share) => rounded(percentile(times, share)));
    figures[name] = { p50_ms: p50 ?? Number.NaN, p99_ms: p99 ?? Number.NaN };
    say(`read: ${name}: p50 ${p50} ms, p99 ${p99} ms; aim: ${aim}`);
  }
  return figures;
}
