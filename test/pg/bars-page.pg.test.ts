import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlushRow } from "../../src/contracts/flush.ts";
import { type BarsPageQuery, readBarsPage } from "../../src/api/bars-page.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import type { SessionChoice } from "../../src/domain/session-ranges.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { listSymbols } from "../../src/postgres/symbol-list.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const calendar = createCalendar();
const CLOSE_MS = OPEN_MS + 390 * MINUTE_MS;

function at(ts: number, session: FlushRow[13]): FlushRow {
  const [symbol, , ...rest] = row();
  const values: FlushRow = [symbol, ts, ...rest];
  values[13] = session;
  return values;
}

const query: BarsPageQuery = {
  symbols: ["AAPL"],
  interval: "1m",
  startMs: OPEN_MS - DAY_MS,
  endMs: OPEN_MS + DAY_MS,
  asOfMs: OPEN_MS + 9e8,
  storedByMs: OPEN_MS + 9e8,
  sort: "asc",
  limit: 100,
  session: undefined,
  feed: undefined,
  adjust: "raw",
  after: undefined,
};

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await drainFlushes(test.sql, [
    flush(1, {
      rows: [
        at(OPEN_MS - MINUTE_MS, "pre"),
        at(OPEN_MS, "regular"),
        at(CLOSE_MS, "post"),
        at(CLOSE_MS + 4 * MINUTE_MS, "post"),
        at(CLOSE_MS + 5 * MINUTE_MS, "post"),
        row({ symbol: "MSFT" }),
      ],
    }),
  ]);
});
afterAll(async () => {
  await test.stop();
});

const page = async (change: Partial<BarsPageQuery>) =>
  await readBarsPage(test.sql, calendar, { ...query, ...change });

/** By start and session: two of them may share an hour. */
const inOrder = (bars: Awaited<ReturnType<typeof page>>["bars"]) =>
  bars.toSorted((a, b) => a.ts - b.ts || (a.session < b.session ? -1 : 1));

describe("a page of bars", () => {
  it("holds the regular minutes and those of the closing window unless a session is chosen", async () => {
    const minutes = async (session: SessionChoice | undefined) =>
      (await page({ session })).bars.map(({ ts }) => (ts - OPEN_MS) / MINUTE_MS);
    expect(await minutes(undefined)).toEqual([0, 390, 394]);
    expect(await minutes("pre")).toEqual([-1]);
    expect(await minutes("regular")).toEqual([0]);
    expect(await minutes("post")).toEqual([390, 394, 395]);
    expect(await minutes("all")).toEqual([-1, 0, 390, 394, 395]);
  });

  it("rolls up only the minutes that were chosen, each session by itself", async () => {
    const hours = async (session: SessionChoice | undefined) =>
      (await page({ interval: "1h", session })).bars.map((bar) => [
        bar.session,
        "bars" in bar ? bar.bars : null,
      ]);
    expect(await hours(undefined)).toEqual([
      ["regular", 1],
      ["post", 2],
    ]);
    expect(await hours("all")).toEqual([
      ["pre", 1],
      ["regular", 1],
      ["post", 3],
    ]);
  });

  it("finds bars in decades of nothing, either way, and ends", async () => {
    for (const sort of ["asc", "desc"] as const) {
      const wide = { sort, symbols: ["AAPL", "MSFT"], startMs: 0, endMs: Date.UTC(2029, 0, 1) };
      const symbols: string[] = [];
      let after: BarsPageQuery["after"];
      for (let pages = 1; ; pages += 1) {
        const { bars, next } = await page({ ...wide, after });
        symbols.push(...bars.map(({ symbol }) => symbol));
        if (next === null) break;
        expect(pages).toBeLessThan(20);
        after = next;
      }
      expect(symbols).toEqual(["AAPL", "AAPL", "AAPL", "MSFT"]);
    }
  });

  it.each(["1m", "5m", "1h"] as const)(
    "loses no bar of %s that starts where a read of years is cut",
    async (interval) => {
      const hourMs = OPEN_MS - (OPEN_MS % HOUR_MS);
      const narrow = await page({ interval, session: "all" });
      for (const sort of ["asc", "desc"] as const) {
        for (const cutMs of interval === "1h" ? [hourMs] : [hourMs, OPEN_MS]) {
          // A page looks into 400 days of a symbol.
          const range =
            sort === "asc"
              ? { startMs: cutMs - 400 * DAY_MS, endMs: cutMs + 90 * DAY_MS }
              : { startMs: cutMs - 90 * DAY_MS, endMs: cutMs + 400 * DAY_MS };
          const found: (typeof narrow.bars)[number][] = [];
          let after: BarsPageQuery["after"];
          do {
            const { bars, next } = await page({ ...range, interval, session: "all", sort, after });
            found.push(...bars);
            after = next ?? undefined;
          } while (after !== undefined);
          expect(inOrder(found)).toEqual(inOrder(narrow.bars));
        }
      }
    },
  );

  it("is empty where nothing can be known yet", async () => {
    expect(await page({ startMs: OPEN_MS + DAY_MS, asOfMs: OPEN_MS, endMs: OPEN_MS * 2 })).toEqual({
      bars: [],
      next: null,
    });
  });
});

describe("the symbols of a read", () => {
  it("are those that have left, too, in byte order, from one on, of a group or of all", async () => {
    await test.database.query(
      `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
      select s, n, s, 'XNAS', 'CS', 'T1', n % 2, n > 1, '2026-03-20', '2026-03-20'
      from unnest(array['BRKA', 'BRK.A', 'AAPL']) with ordinality as u (s, n)`,
    );
    expect(await listSymbols(test.sql, null, "")).toEqual(["AAPL", "BRK.A", "BRKA"]);
    expect(await listSymbols(test.sql, null, "BRK.A")).toEqual(["BRK.A", "BRKA"]);
    expect(await listSymbols(test.sql, 1, "")).toEqual(["AAPL", "BRKA"]);
  });
});
