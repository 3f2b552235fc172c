import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drainFlushes } from "../../../src/postgres/flush-store.ts";
import { flush, OPEN_MS, row } from "../../support/flushes.ts";
import { quoteRow } from "../../support/quotes.ts";
import { storedDays } from "../../support/stored-days.ts";
import { startTestDatabase, type TestDatabase } from "../../support/test-database.ts";

const DAY_MS = 86_400_000;
const day = (n: number) => OPEN_MS + n * DAY_MS;
const dateOf = (n: number) => new Date(day(n)).toISOString().slice(0, 10);

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  const days = [0, 1, 2, 3, 4, 5, 6].map(day);
  await drainFlushes(test.sql, [
    flush(1, { rows: days.map((ts) => row({ ts })) }),
    flush(2, { rows: [row({ ts: day(0), close: 100.6, revision: 1 })] }),
  ]);
  await drainFlushes(test.sql, [
    flush(1, { class: "quotes", quotes: days.map((ts) => quoteRow({ ts })) }),
  ]);
  await test.sql.query({ text: "call refresh_rollups($1)", params: [dateOf(9)] });
});
afterAll(async () => {
  await test.stop();
});

async function drop(what: "bars" | "quotes", before: string | null): Promise<unknown> {
  const [row] = await test.database.query(`select drop_expired_${what}($1::date) as n`, [before]);
  return row?.["n"];
}

const kept = async (table: string) => (await storedDays(test, table)).map((stored) => stored.day);

describe("days that are not kept any more", () => {
  it("are dropped oldest first, four at most in a call, with their old beliefs and rollups", async () => {
    expect(await drop("bars", dateOf(0))).toBe(0);
    expect(await drop("bars", dateOf(5))).toBe(5);
    expect(await kept("candles_intraday")).toEqual([4, 5, 6].map(dateOf));
    expect(await kept("candles_revisions_1m")).toEqual([]);
    expect(await drop("bars", dateOf(5))).toBe(1);
    expect(await drop("bars", dateOf(5))).toBe(0);
    expect(await kept("candles_intraday")).toEqual([5, 6].map(dateOf));
    for (const view of ["candles_5m", "candles_1h"]) {
      const rows = await test.database.query(
        `select ts::date::text as day from ${view} order by 1`,
      );
      expect(rows).toEqual([5, 6].map((n) => ({ day: dateOf(n) })));
    }
  });

  it("leave no mark of a deleted bar, and no rollup that a refresh would bring back or take", async () => {
    expect(await test.database.query("select from candles_revisions")).toEqual([]);
    expect(await test.database.query("select from ingestion_cursor")).toEqual([]);
    await test.sql.query({ text: "call refresh_rollups($1)", params: [dateOf(9)] });
    expect(await test.database.query("select count(*)::int as n from candles_1h")).toEqual([
      { n: 2 },
    ]);
  });

  it("of quotes go by themselves", async () => {
    expect(await drop("quotes", dateOf(2))).toBe(2);
    expect(await kept("quotes_l1")).toEqual([2, 3, 4, 5, 6].map(dateOf));
    expect(await kept("candles_intraday")).toEqual([5, 6].map(dateOf));
  });

  it.each([null, "1960-01-01", "2200-01-01"])("are refused before %s", async (before) => {
    await expect(drop("bars", before)).rejects.toMatchObject({ code: "22008" });
    await expect(drop("quotes", before)).rejects.toMatchObject({ code: "22008" });
  });
});
