import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { type Calendar, createCalendar } from "../../src/domain/calendar.ts";
import { newYorkMs } from "../../src/domain/new-york-time.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { parseAttachment } from "../../src/stream/attachment.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connectTo,
  currentSession,
  group,
  ingestMinute,
  load,
  MSFT_GROUP,
  polygon,
  postgres,
  SPY_GROUP,
  stepTo,
  useWorld,
} from "./support/world.ts";

useWorld();

const GROUPS = [0, AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
const CLOSES = { AAPL: 100, ORCL: 50, MSFT: 200, SPY: 400, BAC: 30 };
const calendar: Calendar = createCalendar();
const tsOf = (date: string) => parseTradingDate(date) * DAY_MS;

/** The trading date `back` sessions before this test's. */
function dateBack(back: number): string {
  let session = currentSession();
  for (let i = 0; i < back; i += 1) session = calendar.previousSession(session.openMs - 1);
  return session.date;
}

/** A cron tick of all groups, and everything that is due by then. */
async function tickAll(ms: number): Promise<void> {
  stepMarketClock(ms);
  for (const number of GROUPS) await group(number).plan(ms);
  await stepTo(ms, GROUPS);
}

/** The whole service knows every closed date: only what comes is asked for. */
async function knowTheYears(): Promise<void> {
  await load(GROUPS);
  for (let back = 1; back <= 11; back += 1) polygon.days.set(dateBack(back), CLOSES);
  const { openMs } = currentSession();
  for (const minute of [0, 1, 2]) await tickAll(openMs + minute * MINUTE_MS);
  postgres.daily.written.length = 0;
  polygon.dayCalls.length = 0;
}

function written() {
  return postgres.daily.written.map(({ symbol, ts, close, revision, status, provider }) => [
    symbol,
    ts,
    close,
    revision,
    status,
    provider,
  ]);
}

describe("the daily bars of a session", () => {
  it("are asked for after the close and in the evening, for all groups in one call, and revised", async () => {
    await knowTheYears();
    const { date, closeMs } = currentSession();
    polygon.days.set(date, CLOSES);
    await tickAll(closeMs);
    expect(polygon.dayCalls).toEqual([]);
    await stepTo(closeMs + 20 * MINUTE_MS, GROUPS);
    expect(polygon.dayCalls).toEqual([`* ${date}`]);
    const first = Object.entries(CLOSES).map(([symbol, close]) => {
      return [symbol, tsOf(date), close, 0, "first", "polygon"];
    });
    expect(new Set(written().map(String))).toEqual(new Set(first.map(String)));
    expect(written()).toHaveLength(first.length);
    postgres.daily.written.length = 0;
    polygon.days.set(date, { ...CLOSES, AAPL: 101 });
    await stepTo(newYorkMs(date, 20 * 60 + 15), GROUPS);
    expect(written()).toEqual([["AAPL", tsOf(date), 101, 1, "updated", "polygon"]]);
    const next = calendar.nextSession(closeMs);
    await stepTo(newYorkMs(next.date, 7 * 60), GROUPS);
    expect(polygon.dayCalls).toHaveLength(3);
    expect(written()).toHaveLength(1);
  });

  it("come from the next provider when the first one fails, which has the last word in the evening", async () => {
    await knowTheYears();
    const { date, closeMs } = currentSession();
    polygon.mood = { kind: "status", status: 502 };
    alpaca.days.set(date, CLOSES);
    await tickAll(closeMs);
    await stepTo(closeMs + 20 * MINUTE_MS, GROUPS);
    expect(written().map(([symbol, , , , , provider]) => [symbol, provider])).toHaveLength(5);
    expect(new Set(postgres.daily.written.map(({ provider }) => provider))).toEqual(
      new Set(["alpaca"]),
    );
    polygon.mood = { kind: "bars" };
    polygon.days.set(date, { ...CLOSES, AAPL: 101 });
    await stepTo(newYorkMs(date, 20 * 60 + 15), GROUPS);
    expect(postgres.daily.now().get(`AAPL ${tsOf(date)}`)).toMatchObject({
      close: 101,
      revision: 1,
      provider: "polygon",
    });
  });

  it("are not believed of an answer without a single bar, and asked for again until they come", async () => {
    await knowTheYears();
    const { date, closeMs } = currentSession();
    await tickAll(closeMs);
    await stepTo(closeMs + 20 * MINUTE_MS, GROUPS);
    expect(written()).toEqual([]);
    expect(alpaca.dayCalls).not.toEqual([]);
    polygon.days.set(date, CLOSES);
    await stepTo(closeMs + 25 * MINUTE_MS, GROUPS);
    expect(written()).toHaveLength(5);
    const calls = polygon.dayCalls.length;
    await stepTo(closeMs + 60 * MINUTE_MS, GROUPS);
    expect(polygon.dayCalls).toHaveLength(calls);
  });

  it("are the same when a task comes twice, after an eviction, and the flush numbers go on", async () => {
    await knowTheYears();
    const { date, closeMs } = currentSession();
    polygon.days.set(date, CLOSES);
    await tickAll(closeMs);
    await stepTo(closeMs + 20 * MINUTE_MS, GROUPS);
    const heads = async () =>
      await Promise.all(GROUPS.map(async (number) => (await group(number).status()).headFs));
    const before = await heads();
    for (const number of GROUPS) await evictDurableObject(group(number));
    await stepTo(newYorkMs(date, 20 * 60 + 15), GROUPS);
    expect(polygon.dayCalls).toHaveLength(2);
    expect(written()).toHaveLength(5);
    expect(await heads()).toEqual(before);
  });
});

describe("the dates before the first session", () => {
  it("are caught up with newest first: the last five by the flush, older ones straight to Postgres", async () => {
    await load(GROUPS);
    for (let back = 1; back <= 11; back += 1) polygon.days.set(dateBack(back), CLOSES);
    const { openMs } = currentSession();
    await tickAll(openMs);
    expect(new Set(postgres.daily.written.map(({ lane }) => lane))).toEqual(new Set(["flush"]));
    await tickAll(openMs + MINUTE_MS);
    await tickAll(openMs + 2 * MINUTE_MS);
    const dates = Array.from({ length: 10 }, (_, index) => dateBack(index + 1));
    expect(polygon.dayCalls.map((call) => call.slice(2)).toSorted()).toEqual(dates.toSorted());
    expect(postgres.daily.written).toHaveLength(50);
    for (const { ts, lane, status, revision } of postgres.daily.written) {
      expect({ lane, status, revision }).toEqual({
        lane: ts >= tsOf(dateBack(5)) ? "flush" : "history",
        status: "backfilled",
        revision: 0,
      });
    }
  });

  it("are asked for again, without double rows, when Postgres was away in the middle", async () => {
    await load(GROUPS);
    for (let back = 1; back <= 11; back += 1) polygon.days.set(dateBack(back), CLOSES);
    const { openMs } = currentSession();
    await tickAll(openMs);
    // Asked for, answered, and then not to be stored.
    postgres.refuses = /candles_daily/;
    await tickAll(openMs + MINUTE_MS);
    expect(polygon.dayCalls).toHaveLength(10);
    expect(postgres.daily.now().size).toBe(25);
    postgres.refuses = null;
    await tickAll(openMs + 7 * MINUTE_MS);
    expect(postgres.daily.now().size).toBe(50);
    expect(postgres.daily.written).toHaveLength(50);
  });

  it("wait for a universe: without symbols no date counts as answered", async () => {
    const listed = postgres.members;
    postgres.members = [];
    await load(GROUPS);
    for (let back = 1; back <= 11; back += 1) polygon.days.set(dateBack(back), CLOSES);
    const { openMs } = currentSession();
    await tickAll(openMs);
    expect(polygon.dayCalls).toEqual([]);
    postgres.members = listed;
    await tickAll(openMs + 6 * MINUTE_MS);
    const dates = new Set(postgres.daily.written.map(({ ts }) => ts));
    expect(dates).toContain(tsOf(dateBack(1)));
  });
});

describe("who takes the channel of daily bars", () => {
  it("gets their rows, while who takes minutes gets the number of the flush alone", async () => {
    await knowTheYears();
    const { date, closeMs } = currentSession();
    const days = await connectTo(AAPL_GROUP);
    const minutes = await connectTo(AAPL_GROUP);
    const ack = await days.subscribe(["AAPL"], { ch: ["bars.1d"] });
    expect(ack.subs).toMatchObject({ "bars.1d": { count: 1 } });
    await minutes.subscribe(["AAPL", "ORCL"]);
    await ingestMinute(AAPL_GROUP, 5, { AAPL: 100, ORCL: 50 });
    polygon.days.set(date, CLOSES);
    await tickAll(closeMs);
    await stepTo(closeMs + 20 * MINUTE_MS, GROUPS);
    for (const client of [days, minutes]) await client.settled();
    const daily = days.flushes().flatMap((flush) => flush.bars ?? []);
    expect(daily.map(({ ch, rows }) => [ch, rows.map((row) => row.slice(0, 2))])).toEqual([
      ["bars.1d", [["AAPL", tsOf(date)]]],
    ]);
    expect(minutes.flushes().flatMap((flush) => flush.bars?.ch ?? [])).not.toContain("bars.1d");
    for (const client of [days, minutes]) {
      const seen = numbers(client.flushes());
      expect(seen).toEqual(Array.from(seen, (_, index) => (seen[0] ?? 0) + index));
    }
    expect(numbers(days.flushes())).toEqual(numbers(minutes.flushes()));
  });

  it("keeps both channels through an eviction, and leaves them one by one", async () => {
    await load(GROUPS);
    const client = await connectTo(AAPL_GROUP);
    await client.subscribe(["AAPL", "ORCL"], { ch: ["bars.1m", "bars.1d"] });
    await client.ask({ op: "unsub", ch: ["bars.1d"], symbols: ["ORCL"] });
    await evictDurableObject(group(AAPL_GROUP));
    const ack = await client.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["*"] });
    expect(ack).toMatchObject({ subs: { "bars.1m": { count: 0 }, "bars.1d": { count: 1 } } });
  });

  it("is not lost by an attachment of the version before", async () => {
    await load(GROUPS);
    const client = await connectTo(AAPL_GROUP);
    await client.subscribe(["AAPL", "ORCL"]);
    await runInDurableObject(group(AAPL_GROUP), (_, state) => {
      for (const socket of state.getWebSockets()) {
        const known = parseAttachment(socket.deserializeAttachment());
        if (known === null) throw new Error("no attachment");
        const { subscription, ...same } = known;
        socket.serializeAttachment({ ...same, ...subscription, v: 3 });
      }
    });
    await evictDurableObject(group(AAPL_GROUP));
    const ack = await client.ask({ op: "unsub", ch: ["bars.1m"], symbols: ["ORCL"] });
    expect(ack).toMatchObject({ subs: { "bars.1m": { count: 1 } } });
  });
});

describe("GET /v1/bars?interval=1d", () => {
  it("is answered, where another interval is not", async () => {
    await knowTheYears();
    const { openMs } = currentSession();
    expect((await api(`/v1/bars?symbols=AAPL&interval=1d&end=${openMs}`)).status).toBe(200);
    expect((await api("/v1/bars?symbols=AAPL&interval=1w")).status).toBe(422);
  });
});
