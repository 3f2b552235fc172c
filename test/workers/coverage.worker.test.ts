import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { SymbolGroup } from "../../durable-objects/symbol-group.ts";
import { createCalendar } from "../../src/domain/calendar.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import { DAY_MS, toIso } from "../../src/domain/time.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import {
  AAPL_GROUP,
  alpaca,
  answerOf,
  api,
  currentSession,
  group,
  load,
  minute,
  MSFT_GROUP,
  outcomeOf,
  polygon,
  postgres,
  SYMBOL_GROUPS,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
useWorld();

const rangeSchema = z
  .object({ start: z.iso.datetime(), end: z.iso.datetime() })
  .transform(({ start, end }) => [Date.parse(start), Date.parse(end)]);
const rowSchema = z.object({
  symbol: z.string(),
  session: z.string(),
  since: z.string().nullable(),
  expected: z.number(),
  got: z.number(),
  no_trade: z.number(),
  missing: z.number(),
  pending: z.number(),
  missing_ranges: z.array(rangeSchema),
  pending_ranges: z.array(rangeSchema),
});
const answerSchema = z.object({
  coverage: z.array(rowSchema),
  unknown_symbols: z.array(z.string()),
  next_page_token: z.string().nullable(),
});

async function coverage(query: string) {
  const response = await api(`/v1/coverage?${query}`);
  expect(response.status).toBe(200);
  const answer = answerSchema.parse(await response.json());
  for (const row of answer.coverage)
    expect(row.got + row.no_trade + row.missing + row.pending).toBe(row.expected);
  return answer;
}

/** One symbol in this test's session, up to `end`. */
async function coverageOf(symbol: string, end = currentSession().closeMs) {
  const { coverage: rows } = await coverage(
    `symbols=${symbol}&start=${currentSession().openMs}&end=${end}`,
  );
  expect(rows).toHaveLength(1);
  const [row] = rows;
  if (row === undefined) throw new Error("no row");
  const { expected, got, no_trade: noTrade, missing, pending } = row;
  const counts = [expected, got, noTrade, missing, pending];
  return { ...row, counts };
}

async function ingest(
  closes: Parameters<typeof answerOf>[0],
  fromIndex: number,
  toIndex: number,
  askedAt: number,
) {
  await group(G).ingest("test", outcomeOf(answerOf(closes, { fromIndex, toIndex, askedAt })));
  await group(G).runUntilQuiet();
}

/** ORCL has no bars; AAPL has one each minute but the fourth, of which nobody answers until it is late. */
async function playFourMinutes(): Promise<void> {
  await load([G]);
  stepMarketClock(minute(3) + 3_000);
  await ingest({ AAPL: { 0: 100, 1: 101, 2: 102 }, ORCL: {} }, 0, 3, minute(3) + 1_000);
}

describe("GET /v1/coverage", () => {
  it("follows a minute from pending to missing, and to its bar, over evictions", async () => {
    await playFourMinutes();
    expect((await coverageOf("AAPL")).counts).toEqual([3, 3, 0, 0, 0]);
    // Two of the minutes of ORCL were asked before they had settled.
    expect(await coverageOf("ORCL")).toMatchObject({
      counts: [3, 0, 1, 0, 2],
      pending_ranges: [[minute(1), minute(3)]],
      missing_ranges: [],
    });

    for (const provider of [alpaca, polygon]) provider.mood = { kind: "status", status: 502 };
    await evictDurableObject(group(G));
    stepMarketClock(minute(4) + 3_000);
    expect((await coverageOf("AAPL")).counts).toEqual([4, 3, 0, 0, 1]);
    await tick(minute(7), [G]);
    await evictDurableObject(group(G));
    expect(await coverageOf("AAPL", minute(4))).toMatchObject({
      counts: [4, 3, 0, 1, 0],
      missing_ranges: [[minute(3), minute(4)]],
      pending_ranges: [],
    });

    stepMarketClock(minute(8));
    await ingest({ AAPL: { 3: 103 }, ORCL: {} }, 0, 4, minute(8));
    await evictDurableObject(group(G));
    expect((await coverageOf("AAPL", minute(4))).counts).toEqual([4, 4, 0, 0, 0]);
    expect((await coverageOf("ORCL", minute(4))).counts).toEqual([4, 0, 4, 0, 0]);
  });

  it("expects nothing of a tier without minutes nor before a symbol's since, and names unknown ones", async () => {
    postgres.members = [
      { symbol: "AAPL", sid: 1, group: G },
      { symbol: "ORCL", sid: 2, group: G, tier: "T2" },
    ];
    await load([G]);
    stepMarketClock(minute(5));
    const { openMs } = currentSession();
    const { coverage: rows, unknown_symbols: unknown } = await coverage(
      `symbols=AAPL,MSFT,ORCL&start=${openMs - 20 * DAY_MS}&end=${minute(5)}`,
    );
    expect(unknown).toEqual(["MSFT"]);
    const own = rows.filter(({ symbol }) => symbol === "AAPL");
    expect(own.length).toBeGreaterThan(10);
    expect(own.slice(0, -1).every(({ expected }) => expected === 0)).toBe(true);
    expect(own.at(-1)).toMatchObject({ session: currentSession().date, expected: 5, got: 0 });
    const t2 = rows.filter(({ symbol }) => symbol === "ORCL");
    expect(new Set(t2.map(({ expected, since }) => `${expected} ${since}`))).toEqual(
      new Set(["0 null"]),
    );
  });

  it("pages by session and symbol without losing or repeating a row", async () => {
    await load([G, MSFT_GROUP, groupOf("SPY", SYMBOL_GROUPS)]);
    stepMarketClock(minute(5));
    const query = `symbols=SPY,AAPL,MSFT,ORCL&start=${toIso(minute(5) - 7 * DAY_MS)}&end=${toIso(minute(5))}`;
    const { coverage: all } = await coverage(query);
    expect(all.length).toBeGreaterThanOrEqual(16);
    const paged: typeof all = [];
    let token: string | null = "";
    for (let pages = 0; token !== null && pages < 20; pages += 1) {
      const part: string = token === "" ? "" : `&page_token=${token}`;
      const page = await coverage(`${query}&limit=3${part}`);
      expect(page.coverage.length).toBeLessThanOrEqual(3);
      paged.push(...page.coverage);
      token = page.next_page_token;
    }
    expect(paged).toEqual(all);
    const keys = all.map(({ symbol, session }) => `${session} ${symbol}`);
    expect(keys).toEqual([...new Set(keys)].toSorted());
    expect((await api(`/v1/coverage?symbols=AAPL&page_token=${"x".repeat(20)}`)).status).toBe(400);
  });

  it("pages through the year that is kept, and more", async () => {
    await load([G]);
    stepMarketClock(minute(5));
    const end = minute(5);
    const query = `symbols=AAPL&start=${end - 400 * DAY_MS}&end=${end}`;
    const { coverage: all, next_page_token: none } = await coverage(query);
    expect(none).toBeNull();
    expect(all.length).toBeGreaterThan(270);
    const first = await coverage(`${query}&limit=200`);
    const rest = await coverage(`${query}&limit=200&page_token=${first.next_page_token}`);
    expect([...first.coverage, ...rest.coverage]).toEqual(all);
    expect(rest.next_page_token).toBeNull();
  });

  it("refuses what it cannot count, by field, and says when a group does not answer", async () => {
    await load([G]);
    stepMarketClock(minute(5));
    const end = minute(5);
    for (const query of [
      "",
      "symbols=aapl",
      "symbols=AAPL&interval=1d",
      `symbols=AAPL&start=${end}&end=${end}`,
      `symbols=AAPL&start=${end - 401 * DAY_MS}&end=${end}`,
      "symbols=AAPL&start=1980-01-01T00:00:00Z&end=1980-01-02T00:00:00Z",
      "symbols=AAPL&limit=1001",
    ]) {
      const response = await api(`/v1/coverage?${query}`);
      expect([query, response.status]).toEqual([query, 422]);
    }
    const ahead = await coverage(`symbols=AAPL&start=${end + DAY_MS}&end=${end + 5 * DAY_MS}`);
    expect(ahead).toEqual({ coverage: [], unknown_symbols: [], next_page_token: null });
    vi.spyOn(SymbolGroup.prototype, "coverage").mockImplementation(() => {
      throw new Error("the object was reset");
    });
    const lost = await api("/v1/coverage?symbols=AAPL");
    expect(lost.status).toBe(503);
    expect(await lost.json()).toMatchObject({ code: "unavailable" });
  });

  it("gives a session the same counts when its beliefs are gone and Postgres is asked", async () => {
    // The last of the file: market time never goes back to the next session.
    await playFourMinutes();
    const { closeMs } = currentSession();
    stepMarketClock(closeMs + 5 * 60_000);
    const closes = Object.fromEntries(
      Array.from({ length: 390 }, (_, i) => i)
        .filter((i) => i % 7 !== 3)
        .map((i) => [i, 100 + i]),
    );
    for (let from = 0; from < 390; from += 30)
      await ingest({ AAPL: closes, ORCL: {} }, from, from + 30, closeMs + 4 * 60_000);
    const young = await coverageOf("AAPL");
    expect(young.counts).toEqual([390, 334, 56, 0, 0]);
    const counted = vi.spyOn(postgres, "answer");
    const quiet = await coverageOf("ORCL");
    expect(counted).not.toHaveBeenCalled();

    const later = createCalendar().nextSession(currentSession().openMs + 15 * DAY_MS);
    await tick(later.openMs, [G]);
    counted.mockClear();
    expect(await coverageOf("AAPL")).toEqual(young);
    expect(await coverageOf("ORCL")).toEqual(quiet);
    expect(counted).toHaveBeenCalled();

    // A session is kept for a year, and then unknown: neither missing nor without a trade.
    const { date } = currentSession();
    stepMarketClock(Date.parse(`${date}T12:00:00Z`) + 365 * DAY_MS);
    expect((await coverageOf("AAPL")).counts).toEqual(young.counts);
    stepMarketClock(Date.parse(`${date}T12:00:00Z`) + 366 * DAY_MS);
    expect((await coverageOf("AAPL")).counts).toEqual([0, 0, 0, 0, 0]);
  });
});
