import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type BarsPageQuery, readBarsPage } from "../../../src/api/bars-page.ts";
import { createCalendar } from "../../../src/domain/calendar.ts";
import { DAY_MS } from "../../../src/domain/time.ts";
import type { SqlClient } from "../../../src/postgres/sql-client.ts";
import { manySymbols } from "../../support/many-symbols.ts";

const START_MS = Date.UTC(2026, 0, 5);
const query: BarsPageQuery = {
  symbols: manySymbols(3_000),
  interval: "1m",
  startMs: START_MS,
  endMs: START_MS + 20 * DAY_MS,
  asOfMs: START_MS + 30 * DAY_MS,
  storedByMs: START_MS + 30 * DAY_MS,
  sort: "asc",
  limit: 100,
  session: undefined,
  feed: undefined,
  adjust: "raw",
  after: undefined,
};

/** How many symbols each statement of a page asks for, of a market without bars. */
async function asked(change: Partial<BarsPageQuery>): Promise<number[]> {
  const counts: number[] = [];
  const sql: SqlClient = {
    query: async ({ params }) => {
      const lists = params.filter((param) => Array.isArray(param));
      counts.push(z.array(z.string()).parse(lists[0]).length);
      return { rows: [], rowCount: 0 };
    },
    transaction: async () => [],
  };
  await readBarsPage(sql, createCalendar(), { ...query, ...change });
  return counts;
}

describe("a page that finds nothing", () => {
  it("looks at many symbols once, and from then on at no more than it could answer", async () => {
    // 40,000 days of symbols, then 400 of them, over 20 days and the one that midnight adds.
    expect(await asked({})).toEqual([1_904, ...Array.from({ length: 7 }, () => 20)]);
    expect(await asked({ session: "regular" })).toEqual(await asked({}));
  });

  it.each([{ session: "pre" }, { session: "post" }, { feed: "sip" }] as const)(
    "looks at few from the start when %o leaves out most of what it looks at",
    async (change) => {
      expect(await asked(change)).toEqual(Array.from({ length: 8 }, () => 20));
    },
  );
});
