import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import {
  type BackfillRun,
  MAX_OFFERED_HOLES,
  type OfferedHole,
} from "../../src/contracts/backfill.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS, toIso } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import service from "../../src/index.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { manySymbols } from "../support/many-symbols.ts";
import { catchLetters, holeOf, playUntil } from "./support/backfills.ts";
import { AWAY, fakeRunner, FILLED, MALFORMED, nothingOf } from "./support/fake-runner.ts";
import { flushesIn } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  alpaca,
  connectTo,
  currentSession,
  gate,
  group,
  load,
  minute,
  polygon,
  postgres,
  queue,
  stepTo,
  tick,
  useWorld,
} from "./support/world.ts";

useWorld();
const letters = catchLetters();

const G = AAPL_GROUP;
const CAP = 5_000;
const calendar = createCalendar();
const T0 = () => queue("T0");
const held = async () =>
  (await T0().list(null, 20)).holes.map(({ symbol, startMs, endMs, state }) => [
    symbol,
    (startMs - minute(0)) / MINUTE_MS,
    (endMs - minute(0)) / MINUTE_MS,
    state,
  ]);
const storedGaps = () => (postgres.flushes.get(G) ?? []).flatMap(({ gaps }) => gaps);
/** What became of the first minute of a symbol. */
const kinds = (symbol: string) =>
  storedGaps().flatMap(([own, fromMs, , kind]) =>
    own === symbol && fromMs === minute(0) ? [kind] : [],
  );

const spanOf = ({ symbols, start_ms, end_ms }: BackfillRun) =>
  `${symbols.join(" ")} ${(start_ms - minute(0)) / MINUTE_MS}-${(end_ms - minute(0)) / MINUTE_MS}`;

/** Steps to whenever the queue has something to do, so many times. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const nextMs = await T0().runUntilQuiet();
    if (nextMs === null) return;
    stepMarketClock(nextMs);
    await T0().runUntilQuiet();
  }
}

/** Fills the queue up to a number of holes of other symbols: of five minutes, a thousand symbols each. */
async function fillUp(depth: number): Promise<void> {
  const symbols = manySymbols(MAX_OFFERED_HOLES);
  for (let at = 0; at * MAX_OFFERED_HOLES < depth; at += 1) {
    const holes = symbols.map((symbol) => holeOf(2 * at, 2 * at + 1, { symbol, priority: 5 }));
    await T0().offer(holes.slice(0, depth - at * MAX_OFFERED_HOLES), "gap");
  }
}

describe("what a queue holds", () => {
  it("is merged with what touches or overlaps it, and outlives the object", async () => {
    const offers: [OfferedHole[], unknown[]][] = [
      [[holeOf(0, 5)], [["AAPL", 0, 5, "queued"]]],
      [
        [holeOf(5, 10), holeOf(20, 22)],
        [
          ["AAPL", 0, 10, "queued"],
          ["AAPL", 20, 22, "queued"],
        ],
      ],
      [
        [holeOf(3, 12)],
        [
          ["AAPL", 0, 12, "queued"],
          ["AAPL", 20, 22, "queued"],
        ],
      ],
      [[holeOf(12, 20)], [["AAPL", 0, 22, "queued"]]],
      [[holeOf(0, 22), holeOf(4, 5)], [["AAPL", 0, 22, "queued"]]],
    ];
    const around = [holeOf(32, 33), holeOf(35, 36), holeOf(30, 40)];
    offers.push([
      around,
      [
        ["AAPL", 0, 22, "queued"],
        ["AAPL", 30, 40, "queued"],
      ],
    ]);
    for (const [holes, expected] of offers) {
      expect(await T0().offer(holes, "gap")).toEqual({ taken: holes.length });
      await evictDurableObject(T0());
      expect(await held()).toEqual(expected);
    }
    expect((await T0().status()).depth).toBe(2);
  });

  it("is run by priority, then the oldest first, a group's overlapping holes in one job", async () => {
    const runs = fakeRunner(() => FILLED);
    await T0().offer(
      [
        holeOf(9, 10, { group: 1, symbol: "F" }),
        holeOf(3, 8, { group: 2, symbol: "B", priority: 1 }),
        holeOf(1, 3, { group: 3, symbol: "A", priority: 1 }),
        holeOf(2, 6, { group: 3, symbol: "C", priority: 2 }),
        holeOf(1, 2, { group: 4, symbol: "D", priority: 9 }),
      ],
      "gap",
    );
    expect((await held()).map(([symbol]) => symbol)).toEqual(["F", "A", "B", "C", "D"]);
    await T0().runUntilQuiet();
    // Four are run at a time; C goes with A, and on after it.
    expect(runs.map(spanOf).toSorted()).toEqual(["A C 1-3", "B 3-8", "C 3-6", "D 1-2", "F 9-10"]);
    expect(runs.map(spanOf).at(-1)).toBe("C 3-6");
    expect(await T0().status()).toMatchObject({ depth: 0, running: 0, oldestMs: null });
  });

  it("ends at the cap: the oldest is kept, what is refused stays with its group and comes again", async () => {
    fakeRunner((run) => nothingOf(run, AWAY));
    await load([G]);
    await fillUp(CAP - 1);
    const refused = [holeOf(0, 1, { symbol: "FIRST" }), holeOf(1, 2, { symbol: "LAST" })];
    expect(await T0().offer(refused, "gap")).toEqual({ taken: 1 });
    expect(await T0().offer(refused.slice(1), "gap")).toEqual({ taken: 0 });
    // What it holds already it takes, full or not.
    expect(await T0().offer(refused.slice(0, 1), "gap")).toEqual({ taken: 1 });

    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    expect(storedGaps().map(([symbol, , , kind]) => [symbol, kind])).toEqual([
      ["AAPL", "open"],
      ["ORCL", "open"],
    ]);
    expect(await T0().status()).toMatchObject({ depth: CAP, pause: { reason: "502" } });
    await evictDurableObject(T0());
    await evictDurableObject(group(G));

    const runs = fakeRunner(() => FILLED);
    await playUntil(minute(6));
    expect((await T0().status()).depth).toBeLessThan(CAP);
    await playUntil(minute(7));
    expect(runs.flatMap(({ symbols }) => symbols)).toContain("ORCL");
  });
});

describe("a job of a queue", () => {
  it("that is not ended in time is run again without an attempt; its late end changes nothing", async () => {
    const late = gate();
    const runs = fakeRunner(async (run) => {
      if (runs.length > 1) return FILLED;
      await late.passed;
      return nothingOf(run, MALFORMED);
    });
    await T0().offer([holeOf(0, 5)], "gap");
    await T0().runDue();
    expect(await held()).toEqual([["AAPL", 0, 5, "running"]]);
    expect((await T0().list(null, 1)).holes[0]?.dueMs).toBe(minute(2));
    expect(await T0().offer([holeOf(3, 6)], "gap")).toEqual({ taken: 1 });
    expect(await held()).toEqual([
      ["AAPL", 0, 5, "running"],
      ["AAPL", 5, 6, "queued"],
    ]);
    stepMarketClock(minute(2));
    vi.spyOn(console, "warn").mockImplementation(() => {});
    await T0().runDue();
    const [again] = (await T0().list(null, 1)).holes;
    expect(again).toMatchObject({ state: "queued", attempts: 0, lastError: null });
    stepMarketClock(again?.dueMs ?? 0);
    await T0().runDue();
    late.open();
    await T0().runUntilQuiet();
    expect(await held()).toEqual([]);
    expect(runs.map(({ symbols }) => symbols)).toEqual([["AAPL"], ["AAPL"], ["AAPL"]]);
  });

  it("counts no attempt and pauses the queue while nobody can be asked, longer each time", async () => {
    const runs = fakeRunner((run) => nothingOf(run, AWAY));
    await T0().offer(
      manySymbols(50).map((symbol, at) => holeOf(at, at + 1, { symbol })),
      "gap",
    );
    await turns(12);
    // The first four find it out; then one job at a time asks again.
    expect(runs.length).toBeLessThanOrEqual(4 + 12 * 4);
    const { holes } = await T0().list(null, 100);
    expect(holes.map(({ attempts }) => attempts)).toEqual(holes.map(() => 0));
    const { pause } = await T0().status();
    expect(pause?.reason).toBe("502");
    expect(letters).toEqual([]);
    fakeRunner(() => FILLED);
    await turns(1);
    expect(await T0().status()).toMatchObject({ depth: 0, pause: null });
  });

  it("waits five seconds for credits", async () => {
    const noCredits = { ...AWAY, reason: "no_credits" as const, error: "alpaca: no_credits" };
    fakeRunner((run) => nothingOf(run, noCredits));
    await T0().offer([holeOf(0, 5)], "gap");
    expect(await T0().runUntilQuiet()).toBe(minute(0) + 5 * SECOND_MS);
    await turns(20);
    expect((await T0().list(null, 1)).holes[0]?.attempts).toBe(0);
    expect((await T0().status()).pause?.reason).toBe("alpaca: no_credits");
  });
});

describe("a hole that nobody can fill", () => {
  it("is dead after its attempts, told to its group, and its letter is sent until it is confirmed", async () => {
    await load([G]);
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    const runs = fakeRunner((run) =>
      run.symbols.includes("AAPL") ? nothingOf({ ...run, symbols: ["AAPL"] }, MALFORMED) : FILLED,
    );
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "bars" };
    for (let turn = 0; letters.length === 0 && turn < 20; turn += 1) {
      await turns(1);
      await evictDurableObject(T0());
    }
    const [letter] = letters;
    expect(letter).toMatchObject({
      tier: "T0",
      group: G,
      symbol: "AAPL",
      start_ms: minute(0),
      end_ms: minute(1),
      attempts: 5,
      reason: "malformed",
      last_error: "not JSON",
    });
    expect(letter?.history).toHaveLength(5);
    expect(runs.filter(({ symbols }) => symbols.includes("AAPL"))).toHaveLength(5);
    expect(runs.filter(({ symbols }) => symbols.includes("ORCL"))).toHaveLength(1);
    await group(G).runUntilQuiet();
    expect(storedGaps().filter(([, , , kind]) => kind === "dead")).toEqual([
      ["AAPL", minute(0), minute(1), "dead"],
    ]);

    // Its group does not offer it again; the letter comes again until Postgres has it.
    const diedMs = letter?.died_ms ?? 0;
    await T0().confirmDead([{ id: letter?.id ?? "", diedMs: diedMs - 1 }]);
    expect(await T0().status()).toMatchObject({ depth: 1, unconfirmed: 1 });
    expect(await T0().runUntilQuiet()).toBe(diedMs + 300 * SECOND_MS);
    await turns(2);
    expect(letters).toEqual([letter, letter, letter]);
    expect(storedGaps().filter(([, , , kind]) => kind === "dead")).toHaveLength(1);
    await deliver(letter);
    expect(postgres.letters.rows.size).toBe(1);
    expect(await T0().status()).toMatchObject({ depth: 0, unconfirmed: 0 });
    expect(await T0().runUntilQuiet()).toBeNull();
  });

  it("blocks nobody: what a provider refuses by its symbol dies alone", async () => {
    await load([G]);
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    for (const provider of [alpaca, polygon]) {
      provider.mood = { kind: "bars" };
      provider.at = () => 100;
      provider.unknown.add("AAPL");
    }
    await playUntil(minute(14));
    expect(kinds("ORCL")).toEqual(["open", "filled"]);
    expect(kinds("AAPL")).toEqual(["open", "dead"]);
    expect(letters[0]?.symbol).toBe("AAPL");
    expect(letters[0]?.attempts).toBe(5);
  });
});

/** What becomes of letters in the queue's consumer. */
async function deliver(...bodies: unknown[]): Promise<void> {
  const messages = bodies.map((body, index) => ({
    id: `m${index}`,
    timestamp: 0,
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch("backfill-dlq", messages);
  await service.queue(batch, env);
  await getQueueResult(batch, createExecutionContext());
}

describe("real jobs", () => {
  it("are no attempts while the providers are away, and fill the hole when they are back", async () => {
    await load([G]);
    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    for (const index of [1, 2, 3, 4]) await tick(minute(index), [G]);
    await playUntil(minute(9));
    const { holes } = await T0().list(null, 10);
    expect(holes.map(({ attempts }) => attempts)).toEqual(holes.map(() => 0));
    expect(new Set(holes.map(({ symbol }) => symbol))).toEqual(new Set(["AAPL", "ORCL"]));
    for (const provider of [alpaca, polygon]) {
      provider.mood = { kind: "bars" };
      provider.at = () => 100;
    }
    await playUntil(minute(12));
    expect((await T0().status()).pause).toBeNull();
    for (const symbol of ["AAPL", "ORCL"]) expect(kinds(symbol)).toEqual(["open", "filled"]);
    expect(letters).toEqual([]);
  });

  it("store what is older than the beliefs in Postgres, and the group says where to read it", async () => {
    await load([G]);
    const client = await connectTo(G);
    await client.subscribe(["AAPL"]);
    const old = calendar.previousSession(currentSession().openMs - 28 * DAY_MS);
    const range = { startMs: old.openMs, endMs: old.openMs + 3 * MINUTE_MS };
    for (const provider of [alpaca, polygon]) provider.at = () => 7;
    await T0().offer([holeOf(0, 1, { ...range })], "ops");
    await playUntil(minute(2));
    expect(await held()).toEqual([]);
    expect(postgres.history.written.map(({ symbol, ts, close }) => [symbol, ts, close])).toEqual([
      ["AAPL", range.startMs, 7],
      ["AAPL", range.startMs + MINUTE_MS, 7],
      ["AAPL", range.startMs + 2 * MINUTE_MS, 7],
    ]);
    const gap = await client.find((frame) => {
      const gaps = flushesIn(frame).flatMap((flush) => flush.gaps ?? []);
      return gaps.find(([symbol]) => symbol === "AAPL") ?? null;
    });
    expect(gap.slice(0, 5)).toEqual(["AAPL", range.startMs, range.endMs, "filled", "alpaca"]);
    const href = new URL(gap[5] ?? "", "https://mds.test");
    expect(href.pathname).toBe("/v1/bars");
    expect(Object.fromEntries(href.searchParams)).toEqual({
      symbols: "AAPL",
      interval: "1m",
      start: toIso(range.startMs),
      end: toIso(range.endMs),
    });
  });

  it("bring daily bars, date by date", async () => {
    await load([G]);
    const late = calendar.previousSession(currentSession().openMs - 28 * DAY_MS);
    const [first, second] = [calendar.previousSession(late.openMs - 1).date, late.date];
    for (const date of [first, second]) polygon.days.set(date, { AAPL: 100, MSFT: 200 });
    const tsOf = (date: string) => parseTradingDate(date) * DAY_MS;
    const range = { startMs: tsOf(first), endMs: tsOf(second) + DAY_MS, interval: "1d" as const };
    await T0().offer(
      [holeOf(0, 1, range), holeOf(0, 1, { ...range, symbol: "MSFT", group: 3 })],
      "ops",
    );
    await stepTo(minute(1), [G]);
    expect(await held()).toEqual([]);
    const days = postgres.daily.written.map(({ symbol, ts, close }) => [symbol, ts, close]);
    for (const date of [first, second]) {
      expect(days).toContainEqual(["AAPL", tsOf(date), 100]);
      expect(days).toContainEqual(["MSFT", tsOf(date), 200]);
    }
  });
});
