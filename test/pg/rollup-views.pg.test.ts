import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FlushRow } from "../../src/contracts/flush.ts";
import { HOUR_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { flush, OPEN_MS } from "../support/flushes.ts";
import { type MinuteBar, naiveRollup } from "../support/naive-rollup.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

/** A bar `minute` minutes after the open; fractional volumes, so that the order of a sum matters. */
function minuteRow(
  symbol: string,
  minute: number,
  change: { volume?: number; vwap?: null; count?: null; session?: FlushRow[13]; rev?: number } = {},
): FlushRow {
  const close = 100 + ((minute * 7) % 11) / 10 + (change.rev ?? 0);
  const ts = OPEN_MS + minute * MINUTE_MS;
  return [
    symbol,
    ts,
    100.5,
    close + 2,
    99 - (minute % 3) / 10,
    close,
    change.volume ?? 1_000.1 + minute * 0.3,
    change.count === null ? null : 10 + minute,
    change.vwap === null ? null : close - 0.05,
    change.rev ?? 0,
    "alpaca",
    "sip",
    change.rev === undefined ? "first" : "updated",
    change.session ?? "regular",
    ts + 62_000,
  ];
}

const toMinuteBar = (row: FlushRow, asOfMs: number): MinuteBar => ({
  symbol: row[0],
  ts: row[1],
  open: row[2],
  high: row[3],
  low: row[4],
  close: row[5],
  volume: row[6],
  tradeCount: row[7],
  vwap: row[8],
  session: row[13],
  asOfMs,
});

const WIDTHS = { candles_5m: 5 * MINUTE_MS, candles_1h: HOUR_MS };
const believed = new Map<string, MinuteBar>();
let test: TestDatabase;
let fs = 0;

async function drain(rows: FlushRow[]): Promise<void> {
  fs += 1;
  const next = flush(fs, { rows });
  await drainFlushes(test.sql, [next]);
  for (const row of rows) believed.set(`${row[0]} ${row[1]}`, toMinuteBar(row, next.as_of));
}

async function viewRows(view: string, symbol: string | null = null) {
  const rows = await test.database.query(
    `select symbol, ts, session, open, high, low, close, volume, vwap, trade_count, as_of, bars from ${view}
      where $1::text is null or symbol = $1 order by symbol, ts, session`,
    [symbol],
  );
  return rows.map(({ ts, as_of: asOf, trade_count: count, ...same }) => ({
    ...same,
    ts: ts instanceof Date ? ts.getTime() : ts,
    asOfMs: asOf instanceof Date ? asOf.getTime() : asOf,
    tradeCount: count === null ? null : Number(count),
  }));
}

beforeAll(async () => {
  test = await startTestDatabase();
  await drain([
    ...Array.from({ length: 150 }, (_, minute) => minuteRow("AAPL", minute)),
    // Half past the hour is in the bucket of the hour; a gap; a bar that starts a bucket late.
    ...[3, 4, 31, 90].map((minute) => minuteRow("MSFT", minute)),
    // The bars of two sessions in one hour, and in one bucket of five minutes.
    minuteRow("TWO", 28),
    minuteRow("TWO", 27, { session: "pre" }),
    // No volume, no vwap, no count.
    minuteRow("ZERO", 0, { volume: 0, vwap: null, count: null }),
    minuteRow("ZERO", 1, { volume: 0 }),
    minuteRow("HALF", 0, { count: null }),
    minuteRow("HALF", 1, { vwap: null }),
    minuteRow("NONE", 0, { count: null, vwap: null }),
  ]);
});
afterAll(async () => {
  await test.stop();
});

describe.each(["candles_5m", "candles_1h"] as const)("%s", (view) => {
  const expectation = (): unknown[] => naiveRollup([...believed.values()], WIDTHS[view]);

  it("equals the clock-aligned aggregation of every session, row by row", async () => {
    expect(await viewRows(view)).toEqual(expectation());
  });

  it("counts a bar without volume, and falls back to closes for what is not given", async () => {
    const [zero] = await viewRows(view, "ZERO");
    expect(zero).toMatchObject({ bars: 2, volume: 0, vwap: 100.7, close: 100.7, tradeCount: 11 });
    expect(await viewRows(view, "NONE")).toMatchObject([{ vwap: 100, tradeCount: null }]);
    expect(await viewRows(view, "HALF")).toMatchObject([{ tradeCount: 11 }]);
  });

  it("shows a bar, a late one and a revision at once", async () => {
    const symbol = view === "candles_5m" ? "NOW5" : "NOW1";
    const own = (): unknown[] =>
      naiveRollup([...believed.values()], WIDTHS[view]).filter((row) => row.symbol === symbol);
    for (const rows of [
      [minuteRow(symbol, 2)],
      [minuteRow(symbol, 1)],
      [minuteRow(symbol, 2, { rev: 1 })],
    ]) {
      const before = await viewRows(view, symbol);
      await drain(rows);
      const after = await viewRows(view, symbol);
      expect(after).toEqual(own());
      expect(after).not.toEqual(before);
    }
  });
});

describe("a rollup", () => {
  it("starts on the clock in UTC, also for a session that opens at half past", async () => {
    const starts = (await viewRows("candles_1h", "MSFT")).map(({ ts }) => toIso(Number(ts)));
    expect(starts).toEqual([
      "2026-03-20T13:00:00.000Z",
      "2026-03-20T14:00:00.000Z",
      "2026-03-20T15:00:00.000Z",
    ]);
  });
});
