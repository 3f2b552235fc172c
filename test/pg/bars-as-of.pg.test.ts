import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Flush, FlushRow } from "../../src/contracts/flush.ts";
import { INTERVAL_MS, isRollup, type RollupInterval } from "../../src/domain/interval.ts";
import { HOUR_MS, MINUTE_MS, type TimeRange, toIso } from "../../src/domain/time.ts";
import {
  type PageQuery,
  readBars,
  readRollups,
  type RollupBar,
  type StoredBar,
} from "../../src/postgres/bars-store.ts";
import { drainFlushes } from "../../src/postgres/flush-store.ts";
import { daysToStoreHours, storeHours } from "../../src/postgres/hours-store.ts";
import { flush, OPEN_MS } from "../support/flushes.ts";
import { beliefsOf, naiveBars, type NaiveBelief } from "../support/naive-beliefs.ts";
import { naiveRollup } from "../support/naive-rollup.ts";
import { startTestDatabase, type TestDatabase } from "../support/test-database.ts";

const SYMBOLS = ["AA", "BB"];
/** The hour before the open and two after it: two sessions share the hour of the open. */
const FROM_MINUTE = -40;
const MINUTES = 120;

/** One change of a minute, as a group would flush it. */
interface Change {
  readonly symbol: number;
  readonly minute: number;
  readonly feed: "sip" | "iex";
  readonly status: "first" | "backfilled";
  readonly volume: number;
  readonly vwap: number | null;
  readonly count: number | null;
  /** Starts a new flush, so many ms after the one before. */
  readonly pauseMs: number | null;
}

const PLAIN: Change = {
  symbol: 0,
  minute: 0,
  feed: "sip",
  status: "first",
  volume: 1,
  vwap: null,
  count: null,
  pauseMs: null,
};

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    symbol: fc.nat(SYMBOLS.length - 1),
    minute: fc.oneof(fc.nat(11), fc.nat(MINUTES - 1)),
    feed: fc.constantFrom("sip" as const, "sip" as const, "iex" as const),
    status: fc.constantFrom("first" as const, "backfilled" as const),
    volume: fc.constantFrom(0, 0.1, 0.2, 0.3, 100.7, 12_345),
    vwap: fc.constantFrom(null, 99.3, 100.1),
    count: fc.constantFrom(null, 0, 7),
    pauseMs: fc.option(fc.integer({ min: 1, max: 5 * MINUTE_MS }), { freq: 2 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Flushes of an epoch, after `fromMs`, with the revision numbers that a group gives. */
function flushesOf(list: readonly Change[], epoch: string, fromMs: number): Flush[] {
  const revisions = new Map<string, number>();
  const flushes: { asOfMs: number; rows: Map<string, FlushRow> }[] = [];
  list.forEach((change, index) => {
    const before = flushes.at(-1);
    const key = `${change.symbol} ${change.minute}`;
    // A flush says a minute once.
    if (before === undefined || change.pauseMs !== null || before.rows.has(key)) {
      const asOfMs = (before?.asOfMs ?? fromMs) + (change.pauseMs ?? 1);
      flushes.push({ asOfMs, rows: new Map() });
    }
    const revision = (revisions.get(key) ?? -1) + 1;
    revisions.set(key, revision);
    flushes.at(-1)?.rows.set(key, rowOf(change, revision, index));
  });
  return flushes.map(({ asOfMs, rows }, index) =>
    flush(index + 1, { epoch, as_of: asOfMs, rows: [...rows.values()] }),
  );
}

function rowOf(change: Change, revision: number, index: number): FlushRow {
  const ts = OPEN_MS + (FROM_MINUTE + change.minute) * MINUTE_MS;
  const close = 100 + (index % 13) / 10;
  return [
    SYMBOLS[change.symbol] ?? "",
    ts,
    100 + (index % 7) / 10,
    102,
    98,
    close,
    change.volume,
    change.count,
    change.vwap,
    revision,
    change.feed === "sip" ? "alpaca" : "iex",
    change.feed,
    revision === 0 ? change.status : "updated",
    ts < OPEN_MS ? "pre" : "regular",
    ts + 62_000 + index,
  ];
}

/** After how many flushes hours are kept; more than there are: at the end. */
const keeping = fc
  .uniqueArray(fc.nat(40), { maxLength: 3 })
  .map((ends) => ends.toSorted((a, b) => a - b));

const DAY = toIso(OPEN_MS).slice(0, 10);
const start = OPEN_MS - 2 * HOUR_MS;
const whole: Omit<PageQuery, "asOfMs"> = {
  symbols: SYMBOLS,
  startMs: start,
  endMs: OPEN_MS + 3 * HOUR_MS,
  limit: 10_000,
};

let test: TestDatabase;
beforeAll(async () => {
  test = await startTestDatabase();
});
afterAll(async () => {
  await test.stop();
});

let runs = 0;
/**
 * Drains the flushes of a run of its own into empty tables; the hours are kept after each of `keptAfter` flushes, where
 * the profile keeps any.
 */
async function store(list: readonly Change[], keptAfter: readonly number[] = []): Promise<Flush[]> {
  for (const table of ["candles_intraday", "candles_revisions_1m", "group_cursor"])
    await test.database.query(`truncate ${table}`);
  runs += 1;
  const epoch = `0k3f9a2xq${String(runs).padStart(6, "0")}`;
  const flushes = flushesOf(list, epoch, OPEN_MS + 30 * MINUTE_MS);
  let drained = 0;
  for (const count of keptAfter) {
    const end = Math.min(count, flushes.length);
    if (end > drained) await drainFlushes(test.sql, flushes.slice(drained, end));
    drained = end;
    await keepHours();
  }
  if (drained < flushes.length) await drainFlushes(test.sql, flushes.slice(drained));
  return flushes;
}

async function keepHours(): Promise<void> {
  for (const day of await daysToStoreHours(test.sql, DAY, 9)) await storeHours(test.sql, day);
}

const minutesOf = (bars: readonly NaiveBelief[]) =>
  bars.map(({ symbol, ts, close, volume, asOfMs, feed, revision }) => {
    return { symbol, ts, close, volume, asOfMs, feed, revision };
  });

/** The reads of one knowledge time that the model is compared with. */
async function compareAt(
  beliefs: readonly NaiveBelief[],
  times: Partial<PageQuery> & { asOfMs: number },
) {
  const query = { ...whole, ...times };
  const { within = [{ startMs: query.startMs, endMs: query.endMs }] } = query;
  const expected = naiveBars(beliefs, query).filter(({ ts }) => isWithin(ts, within));
  const read = await readBars(test.sql, { ...query, interval: "1m" });
  expect(read).toMatchObject(minutesOf(expected));
  expect(read).toHaveLength(expected.length);
  for (const interval of ["5m", "1h"] as const) {
    const rollups = await readRollups(test.sql, { ...query, interval });
    expect(rollups.map(comparable)).toEqual(naiveRollup(expected, INTERVAL_MS[interval]));
  }
}

const isWithin = (ts: number, ranges: readonly TimeRange[]) =>
  ranges.some(({ startMs, endMs }) => ts >= startMs && ts < endMs);

/** A bar without what the model does not know. */
function comparable(bar: Awaited<ReturnType<typeof readRollups>>[number]) {
  const { sources: _, hasBackfilled: __, revision: ___, ...same } = bar;
  return same;
}

describe("bars as of any time", () => {
  it("are what a naive model says, whatever was believed and however it was drained", async () => {
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(1_000), keeping, async (list, at, keptAfter) => {
        const flushes = await store(list, keptAfter);
        const beliefs = beliefsOf(flushes);
        const known = flushes[at % flushes.length]?.as_of ?? 0;
        const last = flushes.at(-1)?.as_of ?? 0;
        await compareAt(beliefs, { asOfMs: known });
        await compareAt(beliefs, { asOfMs: known - 1 });
        await compareAt(beliefs, { asOfMs: last });
        const within = [
          { startMs: start, endMs: OPEN_MS - 5 * MINUTE_MS },
          { startMs: OPEN_MS, endMs: OPEN_MS + at * MINUTE_MS },
        ];
        await compareAt(beliefs, { asOfMs: last, within });
        await compareAt(beliefs, {
          asOfMs: at % 2 === 0 ? last : known,
          feed: at % 3 === 0 ? "iex" : "sip",
        });
        // A time before anything was stored: only assumed history is known.
        const storedByMs = at % 2 === 0 ? last : known;
        // To the millisecond at which the fifth minute settles.
        const settledMs = OPEN_MS + (FROM_MINUTE + 5) * MINUTE_MS + 150_000;
        await compareAt(beliefs, { asOfMs: settledMs, storedByMs });
        await compareAt(beliefs, { asOfMs: settledMs - 1, storedByMs });
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    ["worked out", []],
    ["kept", [99]],
  ])("come in pages that join to the whole, either way, rollups too: hours %s", async (_, kept) => {
    // Scattered minutes of both symbols, and whole buckets of one.
    const flushes = await store(
      [
        ...Array.from({ length: 40 }, (_, n) => ({
          ...PLAIN,
          symbol: n % 2,
          minute: (n * 17) % 101,
        })),
        ...Array.from({ length: 11 }, (_, n) => ({ ...PLAIN, symbol: 1, minute: 55 + n })),
      ],
      kept,
    );
    const asOfMs = flushes.at(-1)?.as_of ?? 0;
    for (const sort of ["asc", "desc"] as const) {
      for (const [interval, limit] of [
        ["1m", 7],
        ["1m", 20],
        ["5m", 1],
        ["5m", 3],
        ["1h", 1],
        ["1h", 2],
      ] as const) {
        const query = { ...whole, asOfMs, sort };
        const all = await read({ ...query, interval });
        const pages: (typeof all)[number][] = [];
        for (;;) {
          const after = pages.at(-1);
          const page = await read({ ...query, interval, limit, ...(after && { after }) });
          pages.push(...page);
          if (page.length < limit) break;
        }
        expect(pages).toEqual(all);
      }
    }
  });

  it("run the other way within each symbol when the newest are wanted first", async () => {
    const at = (symbol: number, minute: number): Change => ({ ...PLAIN, symbol, minute });
    const flushes = await store([at(0, 1), at(0, 2), at(1, 1), at(1, 60)]);
    const query = { ...whole, asOfMs: flushes.at(-1)?.as_of ?? 0, sort: "desc" } as const;
    const bars = await readBars(test.sql, { ...query, interval: "1m" });
    expect(
      bars.map(({ symbol, ts }) => [symbol, (ts - OPEN_MS) / MINUTE_MS - FROM_MINUTE]),
    ).toEqual([
      ["AA", 2],
      ["AA", 1],
      ["BB", 60],
      ["BB", 1],
    ]);
  });

  it.each([
    ["worked out", []],
    ["kept", [99]],
  ])(
    "are only those that start within the ranges asked for, before they are rolled up: hours %s",
    async (_, kept) => {
      const list = [38, 39, 40, 41].map((minute) => ({ ...PLAIN, minute, volume: minute }));
      const flushes = await store(list, kept);
      const query = { ...whole, asOfMs: flushes.at(-1)?.as_of ?? 0 };
      const within = [{ startMs: OPEN_MS, endMs: OPEN_MS + MINUTE_MS }];
      const minutes = await readBars(test.sql, { ...query, interval: "1m", within });
      expect(minutes.map(({ volume }) => volume)).toEqual([40]);
      const volumes = async (interval: RollupInterval, ranges?: typeof within) =>
        (await readRollups(test.sql, { ...query, interval, within: ranges })).map(
          ({ session, volume, bars }) => [session, volume, bars],
        );
      expect(await volumes("1h", within)).toEqual([["regular", 40, 1]]);
      expect(await volumes("1h")).toEqual([
        ["pre", 77, 2],
        ["regular", 81, 2],
      ]);
      expect(await volumes("1h", [])).toEqual([]);
    },
  );
});

async function read(
  query: PageQuery & { readonly interval: "1m" | RollupInterval },
): Promise<readonly (StoredBar | RollupBar)[]> {
  const { interval } = query;
  return isRollup(interval)
    ? await readRollups(test.sql, { ...query, interval })
    : await readBars(test.sql, { ...query, interval });
}

describe("a bar of several sources", () => {
  it("names them all, and says how often its minutes were revised and whether history is in it", async () => {
    const flushes = await store([
      { ...PLAIN, minute: 40 },
      { ...PLAIN, minute: 41, feed: "iex", status: "backfilled" },
      { ...PLAIN, minute: 40 },
    ]);
    const query = { ...whole, asOfMs: flushes.at(-1)?.as_of ?? 0, interval: "5m" } as const;
    expect(await readRollups(test.sql, query)).toMatchObject([
      { bars: 2, revision: 1, sources: ["alpaca/sip", "iex/iex"], hasBackfilled: true },
    ]);
    expect(await readRollups(test.sql, { ...query, feed: "iex" })).toMatchObject([
      { bars: 1, revision: 0, sources: ["iex/iex"] },
    ]);
  });
});
