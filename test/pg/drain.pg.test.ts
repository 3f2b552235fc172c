import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCursors, raiseAsOf } from "../../src/postgres/cursor-store.ts";
import { drainFlushes, MAX_DRAIN_FLUSHES } from "../../src/postgres/flush-store.ts";
import { classifySqlError, type SqlFault } from "../../src/postgres/sql-error.ts";
import type { Flush } from "../../src/contracts/flush.ts";
import { flush, gap, OPEN_MS, row } from "../support/flushes.ts";
import { quoteRow } from "../support/quotes.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

/** How a drain ended: null when it was stored. */
async function faultOf(flushes: readonly Flush[]): Promise<SqlFault | null> {
  return await drainFlushes(test.sql, flushes).then(
    () => null,
    (error: unknown) => classifySqlError(error),
  );
}

/** Everything that a drain writes. */
async function stored(): Promise<unknown[]> {
  const tables = [
    "candles_intraday",
    "candles_revisions",
    "group_cursor",
    "ingestion_cursor",
    "gap_events",
  ];
  return await Promise.all(
    tables.map((table) => test.database.query(`select t::text from ${table} t order by 1`)),
  );
}

describe("the drain", () => {
  it("stores flushes of a new group with their values, knowledge time and watermark", async () => {
    const bars = [row(), row({ symbol: "BRK.B", volume: 0.125 })];
    const watermark = OPEN_MS + 60_000;
    await drainFlushes(test.sql, [
      flush(1, { group: 1, rows: bars, watermark }),
      flush(2, { group: 1 }),
    ]);
    expect(
      await test.database.query(
        "select symbol, open, high, low, close, volume, vwap, trade_count, ts, asked_at, as_of, provider, feed, session, status, revision from candles_intraday order by symbol limit 1",
      ),
    ).toEqual([
      {
        symbol: "AAPL",
        open: 100.25,
        high: 101.1,
        low: 99.9,
        close: 100.5,
        volume: 1234.5,
        vwap: 100.4321,
        trade_count: "321",
        ts: new Date(OPEN_MS),
        asked_at: new Date(OPEN_MS + 62_000),
        as_of: new Date(OPEN_MS + 61_000),
        provider: "alpaca",
        feed: "sip",
        session: "regular",
        status: "first",
        revision: 0,
      },
    ]);
    expect(await readCursors(test.sql, [1, 2])).toEqual([
      {
        group: 1,
        class: "bars",
        epoch: "0k3f9a2xq0aaaaa",
        fs: 2,
        asOfMs: OPEN_MS + 62_000,
        watermark1mMs: watermark,
        watermark1dMs: null,
      },
    ]);
  });

  it("keeps the old belief when a flush revises a bar", async () => {
    const ts = OPEN_MS + 5 * 60_000;
    await drainFlushes(test.sql, [
      flush(1, { group: 2, rows: [row({ ts, close: 100 })] }),
      flush(2, { group: 2, rows: [row({ ts, close: 101, revision: 1 })] }),
    ]);
    const at = [new Date(ts).toISOString()];
    expect(
      await test.database.query("select close, revision from candles_intraday where ts = $1", at),
    ).toEqual([{ close: 101, revision: 1 }]);
    expect(
      await test.database.query("select close, revision from candles_revisions where ts = $1", at),
    ).toEqual([{ close: 100, revision: 0 }]);
  });

  it("puts a belief that is older than the stored one among the revisions", async () => {
    const ts = OPEN_MS + 6 * 60_000;
    await drainFlushes(test.sql, [flush(1, { group: 3, rows: [row({ ts, close: 100 })] })]);
    await test.database.query(
      "update candles_intraday set close = 102, high = 103, as_of = as_of + interval '1 hour', revision = 2 where ts = $1",
      [new Date(ts).toISOString()],
    );
    await drainFlushes(test.sql, [
      flush(2, { group: 3, rows: [row({ ts, close: 101, revision: 1 })] }),
    ]);
    expect(
      await test.database.query(
        "select close from candles_intraday where ts = $1 union all (select close from candles_revisions where ts = $1 order by as_of desc)",
        [new Date(ts).toISOString()],
      ),
    ).toEqual([{ close: 102 }, { close: 101 }, { close: 100 }]);
  });

  it("loses no belief of the very millisecond of the stored one: it is the later of the two", async () => {
    const ts = OPEN_MS + 7 * 60_000;
    const first = flush(1, { group: 13, rows: [row({ ts, close: 100 })] });
    await drainFlushes(test.sql, [first]);
    const next = flush(2, { group: 13, rows: [row({ ts, close: 101, revision: 1 })] });
    const at = [new Date(ts).toISOString()];
    await test.database.query(
      "update candles_intraday set close = 100.7, as_of = $2, revision = 1 where ts = $1",
      [...at, new Date(next.as_of).toISOString()],
    );
    await drainFlushes(test.sql, [next]);
    expect(
      await test.database.query(
        `select close, revision, as_of from candles_intraday where ts = $1 union all
        (select close, revision, as_of from candles_revisions where ts = $1 order by as_of desc)`,
        at,
      ),
    ).toEqual([
      { close: 101, revision: 2, as_of: new Date(next.as_of + 1) },
      { close: 100.7, revision: 1, as_of: new Date(next.as_of) },
      { close: 100, revision: 0, as_of: new Date(first.as_of) },
    ]);
  });

  it("answers MDS01 to a repeated drain and changes nothing", async () => {
    const flushes = [
      flush(1, { group: 4, rows: [row({ symbol: "MSFT" })], gaps: [gap("open", 1, 3, "MSFT")] }),
      flush(2, { group: 4, rows: [row({ symbol: "MSFT", close: 101, revision: 1 })] }),
    ];
    await drainFlushes(test.sql, flushes);
    const before = await stored();
    expect(await faultOf(flushes)).toMatchObject({
      kind: "already_drained",
      sqlstate: "MDS01",
      storedFs: 2,
    });
    expect(await faultOf(flushes.slice(0, 1))).toMatchObject({
      kind: "already_drained",
      storedFs: 2,
    });
    expect(await stored()).toEqual(before);
  });

  it("says where it stands when part of the batch is stored, or when flushes are missing", async () => {
    await drainFlushes(test.sql, [flush(1, { group: 5 }), flush(2, { group: 5 })]);
    expect(await faultOf([flush(2, { group: 5 }), flush(3, { group: 5 })])).toMatchObject({
      kind: "behind",
      sqlstate: "MDS02",
      storedFs: 2,
    });
    expect(await faultOf([flush(4, { group: 5 })])).toMatchObject({ kind: "behind", storedFs: 2 });
    expect(await faultOf([flush(3, { group: 5 })])).toBeNull();
    expect(await faultOf([flush(2, { group: 6 })])).toMatchObject({ kind: "behind", storedFs: 0 });
    expect(await readCursors(test.sql, [6])).toEqual([]);
  });

  it("takes a later epoch at its first flush only, and refuses an earlier one", async () => {
    await drainFlushes(test.sql, [flush(1, { group: 8 }), flush(2, { group: 8 })]);
    const later = { group: 8, epoch: "0k3f9a2y00zzzz", as_of: OPEN_MS + 9e6 };
    expect(await faultOf([flush(3, later)])).toMatchObject({ kind: "behind", storedFs: 0 });
    expect(await faultOf([flush(1, later)])).toBeNull();
    expect(await faultOf([flush(3, { group: 8 })])).toMatchObject({
      kind: "stale_epoch",
      sqlstate: "MDS03",
      storedFs: 1,
    });
    expect(await readCursors(test.sql, [8])).toMatchObject([{ epoch: later.epoch, fs: 1 }]);
  });

  it("leaves nothing of a drain in which one row is refused", async () => {
    const before = await stored();
    const bad = row({ symbol: "BAD", volume: -1 });
    const fault = await faultOf([
      flush(1, { group: 9, rows: [row({ symbol: "GOOD" })], gaps: [gap("open", 0, 1, "GOOD")] }),
      flush(2, { group: 9, rows: [bad] }),
    ]);
    expect(fault).toMatchObject({ kind: "row_fault", sqlstate: "23514", storedFs: null });
    expect(await stored()).toEqual(before);
  });

  it("keeps holes as sets: open adds, filled removes, unfillable moves, dead stays", async () => {
    await drainFlushes(test.sql, [
      flush(1, { group: 10, gaps: [gap("open", 0, 10, "HOLE"), gap("open", 20, 30, "HOLE")] }),
      flush(2, { group: 10, gaps: [gap("filled", 0, 4, "HOLE"), gap("dead", 4, 10, "HOLE")] }),
      flush(3, {
        group: 10,
        gaps: [gap("unfillable", 20, 30, "HOLE"), gap("open", 30, 31, "HOLE")],
      }),
    ]);
    const minute = (n: number) => new Date(OPEN_MS + n * 60_000).toISOString();
    expect(
      await test.database.query(
        `select holes = tstzmultirange(tstzrange($1, $2), tstzrange($4, $5)) as holes,
          unfillable = tstzmultirange(tstzrange($3, $4)) as unfillable
        from ingestion_cursor where symbol = 'HOLE'`,
        [4, 10, 20, 30, 31].map(minute),
      ),
    ).toEqual([{ holes: true, unfillable: true }]);
    expect(
      await test.database.query(
        "select fs, kind, provider from gap_events where symbol = 'HOLE' order by fs, from_ts",
      ),
    ).toEqual([
      { fs: "1", kind: "open", provider: null },
      { fs: "1", kind: "open", provider: null },
      { fs: "2", kind: "filled", provider: "polygon" },
      { fs: "2", kind: "dead", provider: null },
      { fs: "3", kind: "unfillable", provider: null },
      { fs: "3", kind: "open", provider: null },
    ]);
  });

  it("refuses a batch that is not consecutive flushes of one stream", async () => {
    const refused = [
      [],
      [flush(1), flush(3)],
      [flush(1), flush(2, { group: 8 })],
      [flush(1), flush(2, { as_of: flush(1).as_of })],
      [flush(1), flush(2, { class: "quotes" })],
      [flush(1, { class: "quotes", rows: [row()] })],
      [flush(1, { quotes: [quoteRow()] })],
      Array.from({ length: MAX_DRAIN_FLUSHES + 1 }, (_, index) => flush(index + 1)),
    ];
    for (const flushes of refused) {
      await expect(drainFlushes(test.sql, flushes)).rejects.toThrow(RangeError);
    }
  });
});

describe("raising a stream's as_of", () => {
  it("moves forward while the flush is the stored one, and never back", async () => {
    const at = { group: 11, class: "bars", epoch: "0k3f9a2xq0aaaaa", fs: 1 } as const;
    expect(await raiseAsOf(test.sql, { ...at, asOfMs: OPEN_MS })).toBeNull();
    await drainFlushes(test.sql, [flush(1, { group: 11 })]);
    const first = flush(1).as_of;
    expect(await raiseAsOf(test.sql, { ...at, asOfMs: first + 5 })).toBe(first + 5);
    expect(await raiseAsOf(test.sql, { ...at, asOfMs: first + 2 })).toBe(first + 5);
    expect(await raiseAsOf(test.sql, { ...at, fs: 2, asOfMs: first + 9 })).toBe(first + 5);
    expect(await raiseAsOf(test.sql, { ...at, epoch: "0k3f9a2xq0aaaab", asOfMs: first + 9 })).toBe(
      first + 5,
    );
  });

  it("is kept for an epoch without a flush, which no late drain of the one before comes below", async () => {
    const at = { group: 12, class: "bars", epoch: "0k3f9a2xq0aaaaa", fs: 0 } as const;
    expect(await raiseAsOf(test.sql, { ...at, asOfMs: OPEN_MS })).toBe(OPEN_MS);
    await drainFlushes(test.sql, [flush(1, { group: 12 })]);
    const first = flush(1).as_of;
    const next = { ...at, epoch: "0k3f9a2xq0aaaab" };
    expect(await raiseAsOf(test.sql, { ...next, asOfMs: first + 5 })).toBe(first + 5);
    await expect(drainFlushes(test.sql, [flush(2, { group: 12 })])).rejects.toThrow("stale epoch");
    expect(await raiseAsOf(test.sql, { ...at, asOfMs: first + 9 })).toBe(first + 5);
    expect(await readCursors(test.sql, [12])).toMatchObject([{ epoch: next.epoch, fs: 0 }]);
  });
});
