import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Flush } from "../../src/contracts/flush.ts";
import { fromQuoteRow } from "../../src/contracts/quote-row.ts";
import { readCursors } from "../../src/postgres/cursor-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { readQuotes } from "../../src/postgres/quotes-store.ts";
import { classifySqlError, type SqlFault } from "../../src/postgres/sql-error.ts";
import { flush, OPEN_MS, row } from "../support/flushes.ts";
import { quoteRow } from "../support/quotes.ts";
import { storedDays } from "../support/stored-days.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

const DAY_MS = 86_400_000;

function quotesFlush(fs: number, group: number, quotes: Flush["quotes"]): Flush {
  return flush(fs, { group, class: "quotes", quotes });
}

async function faultOf(flushes: readonly Flush[], afterFs?: number): Promise<SqlFault | null> {
  return await drainFlushes(test.sql, flushes, afterFs).then(
    () => null,
    (error: unknown) => classifySqlError(error),
  );
}

async function read(symbol: string, limit = 100, asOfMs = OPEN_MS + DAY_MS) {
  const range = { startMs: OPEN_MS - DAY_MS, endMs: OPEN_MS + DAY_MS };
  return await readQuotes(test.sql, { symbol, ...range, asOfMs, limit });
}

describe("quotes in Postgres", () => {
  it("are read as they were sampled: sides, sizes and their unit, venue, times", async () => {
    const nbbo = quoteRow({ symbol: "NBBO" });
    const venue = quoteRow({
      symbol: "VENUE",
      ask: null,
      askSize: null,
      bidSize: 200,
      sizeUnit: "shares",
      last: null,
      lastTs: null,
      provider: "iex",
      feed: "iex",
      venue: "IEX",
      consolidated: false,
    });
    const one = quotesFlush(1, 1, [nbbo, venue]);
    await drainFlushes(test.sql, [one]);
    for (const stored of [nbbo, venue]) {
      expect(await read(stored[0])).toEqual([
        { ...fromQuoteRow(stored), status: "first", asOfMs: one.as_of },
      ]);
    }
  });

  it("go to the day of their event and drain once, beside the bars of the same group", async () => {
    const late = OPEN_MS + 12 * 3_600_000;
    const one = quotesFlush(1, 2, [quoteRow({ symbol: "DAYS" })]);
    const two = quotesFlush(2, 2, [quoteRow({ symbol: "DAYS", ts: late })]);
    await drainFlushes(test.sql, [flush(1, { group: 2, rows: [row()], watermark: OPEN_MS })]);
    await drainFlushes(test.sql, [one, two]);
    expect((await faultOf([one, two]))?.kind).toBe("already_drained");
    const parts = await test.database.query(
      "select tableoid::regclass::text as name from quotes_l1 where symbol = 'DAYS' order by ts",
    );
    const days = await storedDays(test, "quotes_l1");
    expect(parts.map(({ name }) => days.find((day) => day.name === name)?.day)).toEqual([
      "2026-03-20",
      "2026-03-21",
    ]);
    const cursors = await readCursors(test.sql, [2]);
    expect(cursors.map(({ class: name, fs }) => [name, fs])).toEqual([
      ["bars", 1],
      ["quotes", 2],
    ]);
  });

  it("are replaced by a later word about the same event and by nothing older", async () => {
    await drainFlushes(test.sql, [
      quotesFlush(1, 3, [quoteRow({ symbol: "SAME", last: 1 })]),
      quotesFlush(2, 3, [quoteRow({ symbol: "SAME", last: 2 }, "updated")]),
    ]);
    // Another group's stream, so that the fence lets an older knowledge time pass.
    await drainFlushes(test.sql, [quotesFlush(1, 30, [quoteRow({ symbol: "SAME", last: 3 })])]);
    expect(await read("SAME")).toMatchObject([{ last: 2, status: "updated" }]);
  });

  it("may lack flushes that left the log unsent, where bars may not", async () => {
    await drainFlushes(test.sql, [quotesFlush(1, 4, [quoteRow({ symbol: "HOLE" })])]);
    const later = quotesFlush(9, 4, [quoteRow({ symbol: "HOLE", ts: OPEN_MS + 2_000 })]);
    expect(await faultOf([later])).toMatchObject({ kind: "behind", storedFs: 1 });
    expect(await faultOf([later], 1)).toBeNull();
    expect(await read("HOLE")).toHaveLength(2);
    await drainFlushes(test.sql, [flush(1, { group: 4 })]);
    expect(await faultOf([flush(3, { group: 4 })], 1)).toMatchObject({ kind: "behind" });
  });

  it("page by event time without parting providers that quote the same millisecond", async () => {
    const at = (ts: number) => quoteRow({ symbol: "TIES", ts });
    await drainFlushes(test.sql, [
      quotesFlush(1, 5, [at(OPEN_MS)]),
      quotesFlush(2, 5, [
        quoteRow({
          symbol: "TIES",
          ts: OPEN_MS,
          provider: "iex",
          feed: "iex",
          consolidated: false,
        }),
      ]),
      quotesFlush(3, 5, [at(OPEN_MS + 1)]),
    ]);
    expect((await read("TIES", 1)).map(({ ts }) => ts)).toEqual([OPEN_MS, OPEN_MS]);
    expect(await read("TIES", 3)).toHaveLength(3);
    expect(await read("TIES", 3, OPEN_MS + 61_000)).toHaveLength(1);
  });

  it.each([
    ["a crossed market", { bid: 2, ask: 1 }],
    ["a price of zero", { bid: 0 }],
    ["nothing at all", { bid: null, ask: null, last: null }],
    ["a negative size", { bidSize: -1 }],
  ])("refuse %s as a fault of the row", async (_name, change) => {
    const bad = quotesFlush(1, 6, [quoteRow({ symbol: "BAD", ...change })]);
    expect(await faultOf([bad])).toMatchObject({ kind: "row_fault" });
    expect(await read("BAD")).toEqual([]);
  });

  it("make their partitions once, whoever asks, where a table needs them", async () => {
    const make = "select ensure_quote_partitions('2026-04-01', '2026-04-03') as made";
    expect(await test.database.query(make)).toEqual([{ made: test.profile === "plain" ? 3 : 0 }]);
    expect(await test.database.query(make)).toEqual([{ made: 0 }]);
  });
});
