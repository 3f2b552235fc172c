import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createCalendar } from "../../src/domain/calendar.ts";
import { lastSessionDates } from "../../src/domain/session-ahead.ts";
import { DAY_MS } from "../../src/domain/time.ts";
import { computeMacro } from "../../src/ingest/compute-macro.ts";
import { readFactors } from "../../src/postgres/macro-reads.ts";
import { readMarketDay, storeFactors } from "../../src/postgres/macro-store.ts";
import { storeSplits } from "../../src/postgres/splits-store.ts";
import { type ModelBar, type ModelSplit, naiveMarketDay } from "../support/naive-market-day.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const NOW_MS = Date.parse("2026-03-21T00:45:00Z");
const calendar = createCalendar();
const SESSIONS = lastSessionDates(calendar, NOW_MS, 55);
const DATE = "2026-03-20";

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
  await test.database.query("select ensure_year_partitions('2025-01-01', '2026-12-31')");
});
afterAll(async () => {
  await test.stop();
});
beforeEach(async () => {
  await clear();
});

async function clear(): Promise<void> {
  await test.database.query("truncate candles_daily, symbol_universe cascade");
  await test.database.query("truncate corporate_actions, corporate_action_reads");
  await test.database.query("truncate macro_factors, macro_factors_revisions");
}

async function fill(bars: readonly ModelBar[], splits: readonly ModelSplit[] = []): Promise<void> {
  const symbols = [...new Set(bars.map(({ symbol }) => symbol))];
  await test.database.query(
    `insert into symbol_universe (symbol, sid, name, exchange, type, tier, "group", active, first_seen, last_seen)
    select s, n, s, 'XNAS', 'COMMON', 'T2', 0, true, '2020-01-01', '2026-03-20'
    from unnest($1::text[]) with ordinality as u (s, n)`,
    [symbols],
  );
  await test.database.query(
    `insert into candles_daily (symbol, trading_date, open, high, low, close, volume, as_of, asked_at,
      provider, feed, status, revision)
    select s, d, c, c, c, c, v, '2026-03-20T21:00:00Z', '2026-03-20T21:00:00Z', 'polygon', 'sip', 'first', 0
    from unnest($1::text[], $2::date[], $3::float8[], $4::float8[]) as b (s, d, c, v)`,
    [
      bars.map(({ symbol }) => symbol),
      bars.map(({ date }) => date),
      bars.map(({ close }) => close),
      bars.map(({ volume }) => volume),
    ],
  );
  await storeSplits(test.sql, {
    source: "polygon",
    from: "2025-01-01",
    through: "2026-12-31",
    splits: splits.map(({ symbol, exDate, factor }) => ({ symbol, exDate, from: 1, to: factor })),
    askedAtMs: NOW_MS,
    nowMs: NOW_MS,
  });
}

/** A symbol's bars over all sessions; `close` gives the close of a session, null for none. */
const series = (symbol: string, close: (index: number) => number | null): ModelBar[] =>
  SESSIONS.flatMap((date, index) => {
    const value = close(index);
    return value === null ? [] : [{ symbol, date, close: value, volume: 100 + index }];
  });
const deps = () => ({
  sql: test.sql,
  calendar,
  market: { kind: "market" as const, stepped: true, now: () => NOW_MS },
});
const known = async (asOfMs = NOW_MS + DAY_MS) =>
  await readFactors(test.sql, {
    factor: null,
    from: "2026-01-01",
    through: "2026-12-31",
    asOfMs,
    after: { factor: "", date: "1970-01-01" },
    limit: 1_000,
  });
const valuesOn = async (date: string, asOfMs?: number) =>
  Object.fromEntries(
    (await known(asOfMs))
      .filter((row) => row.date === date)
      .map(({ factor, value }) => [factor, value]),
  );

describe("the counts of a date in Postgres", () => {
  it("are those of the model, for any bars and splits", async () => {
    const sessions = SESSIONS.slice(-50);
    const price = fc.integer({ min: 1, max: 40 });
    const symbol = fc.record({
      closes: fc.array(
        fc.oneof({ weight: 15, arbitrary: price }, { weight: 1, arbitrary: fc.constant(null) }),
        {
          minLength: 50,
          maxLength: 50,
        },
      ),
      splits: fc.uniqueArray(fc.tuple(fc.nat({ max: 49 }), fc.constantFrom(0.1, 0.5, 1.5, 3, 4)), {
        maxLength: 2,
        selector: ([at]) => at,
      }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(symbol, { minLength: 1, maxLength: 12 }), async (market) => {
        await clear();
        const bars = market.flatMap(({ closes }, index) =>
          sessions.flatMap((date, at) => {
            const close = closes[at] ?? null;
            return close === null ? [] : [{ symbol: `S${index}`, date, close, volume: at + 1 }];
          }),
        );
        const splits = market.flatMap(({ splits: own }, index) =>
          own.map(([at, factor]) => ({ symbol: `S${index}`, exDate: sessions[at] ?? "", factor })),
        );
        await fill(bars, splits);
        expect(await readMarketDay(test.sql, sessions)).toEqual(
          naiveMarketDay(bars, splits, sessions),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("see no return in a split, and no inactive symbol", async () => {
    const split = SESSIONS.length - 1;
    const bars = [
      ...series("SPLT", (index) => (index < split ? 400 : 100)),
      ...series("GONE", (index) => index + 1),
      ...series("UP", (index) => index + 1),
    ];
    await fill(bars, [{ symbol: "SPLT", exDate: DATE, factor: 4 }]);
    await test.database.query("update symbol_universe set active = false where symbol = 'GONE'");
    const day = await readMarketDay(test.sql, SESSIONS.slice(-50));
    expect(day).toMatchObject({ compared: 2, advancing: 1, declining: 0, judged: 2, above: 1 });
  });
});

describe("the daily work on the factors", () => {
  it("stores the last five dates, and nothing more when nothing has changed", async () => {
    await fill([
      ...series("SPY", (index) => 100 + (index % 2)),
      ...series("A", (index) => index + 1),
      ...series("B", (index) => 200 - index),
      ...series("C", (index) => index + 5),
    ]);
    expect(await computeMacro(DATE, deps())).toBe(true);
    const values = await valuesOn(DATE);
    expect(values).toMatchObject({
      advance_decline_ratio: 1,
      breadth_50d: 0.5,
    });
    const volatility = Math.log(1.01) * Math.sqrt((20 / 19) * 252);
    expect(values["realized_vol_20d"]).toBeCloseTo(volatility, 9);
    const nets = (await known()).filter(({ factor }) => factor === "advance_decline_net");
    expect(nets.map(({ date }) => date)).toEqual(SESSIONS.slice(-5));
    expect(values["advance_decline_line"]).toBe(nets.reduce((sum, { value }) => sum + value, 0));
    await computeMacro(DATE, deps());
    expect((await known()).every(({ revision }) => revision === 0)).toBe(true);
  });

  it("revises a date whose bars have changed, and what was known before can be read", async () => {
    await fill([...series("A", (index) => index + 1), ...series("B", (index) => index + 5)]);
    await computeMacro(DATE, deps());
    await test.database.query(
      `update candles_daily set open = 1, high = 1, low = 1, close = 1
      where symbol = 'B' and trading_date = $1::date`,
      [DATE],
    );
    const later = { ...deps(), market: { ...deps().market, now: () => NOW_MS + 1_000 } };
    await computeMacro(DATE, later);
    expect((await valuesOn(DATE, NOW_MS + 999))["advance_decline_net"]).toBe(2);
    expect((await valuesOn(DATE))["advance_decline_net"]).toBe(0);
  });

  it("waits for a date of which too few bars have come", async () => {
    const last = SESSIONS.length - 1;
    await fill([
      ...series("A", (index) => index + 1),
      ...series("B", (index) => (index === last ? null : 5)),
    ]);
    expect(await computeMacro(DATE, deps())).toBe(false);
    expect(await valuesOn(DATE)).toEqual({});
    expect(Object.keys(await valuesOn("2026-03-19"))).toContain("advance_decline_net");
  });

  it("has nothing to do on a date without a session", async () => {
    expect(await computeMacro("2026-03-21", deps())).toBe(true);
    expect(await known()).toEqual([]);
  });
});

describe("factors as the API reads them", () => {
  it("are by factor and date, in pages that join", async () => {
    const factor = (value: number) =>
      [{ factor: "breadth_50d", value, sample: 3, detail: { above: 1 } }] as const;
    await storeFactors(test.sql, "2026-03-19", factor(0.25), NOW_MS);
    await storeFactors(test.sql, "2026-03-20", factor(0.5), NOW_MS);
    const query = {
      factor: "breadth_50d" as const,
      from: "2026-03-01",
      through: "2026-03-31",
      asOfMs: NOW_MS,
      after: { factor: "", date: "1970-01-01" },
      limit: 1,
    };
    const [first] = await readFactors(test.sql, query);
    expect(first).toMatchObject({ date: "2026-03-19", value: 0.25, detail: { above: 1 } });
    const after = { factor: "breadth_50d", date: "2026-03-19" };
    expect(await readFactors(test.sql, { ...query, after })).toMatchObject([{ value: 0.5 }]);
    expect(await readFactors(test.sql, { ...query, factor: "regime" })).toEqual([]);
    expect(await readFactors(test.sql, { ...query, asOfMs: NOW_MS - 1 })).toEqual([]);
  });
});
