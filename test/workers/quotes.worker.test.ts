import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MAX_QUOTE_AGE_MS } from "../../src/domain/quote-check.ts";
import type { SourcedQuote } from "../../src/domain/quote-check.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";
import { quoteOf } from "../support/quotes.ts";
import { quotesPlace } from "./support/fake-quotes.ts";
import { numbers } from "./support/stream-client.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  connectTo,
  group,
  ingestMinute,
  load,
  minute,
  MSFT_GROUP,
  polygon,
  postgres,
  SPY_GROUP,
  stepTo,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
const HOST = MSFT_GROUP;
const STREAM = `${G}q`;
useWorld();

/** Hands a group a quote of AAPL, with the event and asked times of the present unless told otherwise. */
async function ingestQuote(
  atMs: number,
  bid: number,
  change: Partial<SourcedQuote> = {},
): Promise<void> {
  stepMarketClock(atMs);
  const times = { ts: atMs - 500, lastTs: atMs - 500, askedAt: atMs };
  const quote = quoteOf({ ...times, bid, ask: bid + 0.02, last: bid, ...change });
  await group(G).ingestQuotes({ quotes: [quote], receivedAt: 1 });
  await group(G).runUntilQuiet();
}

const second = (index: number) => minute(1) + index * 1_000;
const bidsOf = (rows: readonly (readonly unknown[])[] | undefined) => rows?.map((row) => row[3]);

/** Asks the API; the answer of a quotes route. */
async function ask(path: string) {
  const response = await api(path);
  const rows = z.array(z.record(z.string(), z.unknown()));
  const schema = z.looseObject({
    quotes: rows.default([]),
    horizon: z.string().nullish(),
    next_page_token: z.string().nullish(),
  });
  return { status: response.status, ...schema.parse(await response.json()) };
}

describe("the sweeps for quotes", () => {
  const HOMES = [AAPL_GROUP, MSFT_GROUP, SPY_GROUP];
  const ALL = [0, ...HOMES];

  it("ask for T0 each 15 s of an open session, and bring each group its symbols", async () => {
    await load(HOMES);
    polygon.quoteOf = () => ({ ts: minute(1), bid: 10, ask: 11 });
    await group(0).plan(minute(1), true);
    for (const index of [0, 15, 30, 45]) await stepTo(second(index), ALL);
    expect(polygon.quoteCalls).toHaveLength(4);
    expect(polygon.quoteCalls[0]).toEqual(["AAPL", "ORCL", "MSFT", "SPY", "BAC"]);
    const { quotes } = await ask("/v1/quotes/latest?symbols=AAPL,SPY");
    expect(quotes).toMatchObject([
      { symbol: "AAPL", bid: 10, ask: 11, bid_size: 1, size_unit: "round_lots", stale: false },
      { symbol: "SPY", provider: "polygon", feed: "sip", consolidated: true, venue: null },
    ]);
    const totals = await (await api("/metrics")).text();
    const selected = /provider_selected_total\{capability="quotes_l1",provider="polygon"\} 4/;
    expect(totals).toMatch(selected);
    expect(totals).toMatch(/jobs_processed_total\{type="quotes",provider="polygon"\} 4/);
  });

  it("do not come while the market is closed", async () => {
    await load(HOMES);
    await group(0).plan(minute(-60), true);
    await group(0).plan(minute(390), true);
    await stepTo(minute(391), ALL);
    expect(polygon.quoteCalls).toEqual([]);
  });

  it("go on with the next provider when one fails, whose quotes say that they are one venue's", async () => {
    await load(HOMES);
    polygon.mood = { kind: "status", status: 502 };
    alpaca.quoteOf = () => ({ ts: second(-1), bid: 10, ask: 0 });
    await group(0).plan(minute(1), true);
    await stepTo(second(0), ALL);
    expect([polygon.quoteCalls, alpaca.quoteCalls].map((calls) => calls.length)).toEqual([1, 1]);
    const { quotes } = await ask("/v1/quotes/latest?symbols=AAPL");
    const venue = { provider: "iex", feed: "iex", venue: "IEX", consolidated: false };
    expect(quotes).toMatchObject([{ bid: 10, bid_size: 100, ask: null, ask_size: null, ...venue }]);
  });

  it("are left out when they come so late that the next one is due", async () => {
    await load(HOMES);
    await group(0).plan(minute(1), true);
    await stepTo(second(45), ALL);
    expect(polygon.quoteCalls).toHaveLength(1);
  });

  it("refuse what cannot be the market, and count it", async () => {
    await load(HOMES);
    polygon.quoteOf = () => ({ ts: second(0), bid: 12, ask: 11 });
    await group(0).plan(minute(1), true);
    await stepTo(second(0), ALL);
    expect((await group(AAPL_GROUP).latestQuotes()).quotes).toEqual([]);
    const totals = await (await api("/metrics")).text();
    expect(totals).toMatch(/rows_refused_total\{reason="crossed_quote"\} 5/);
  });
});

describe("a group's quotes", () => {
  it("are conflated: the same again, and what is older, makes no flush", async () => {
    await load([G]);
    const client = await connectTo(G);
    await client.subscribeQuotes(["AAPL"]);
    await ingestQuote(second(0), 100);
    const [event, asked] = [second(0) - 500, second(15)];
    await ingestQuote(second(15), 100, { ts: event, lastTs: event, askedAt: asked });
    await ingestQuote(second(16), 99, { ts: event - 1, askedAt: asked });
    await ingestQuote(second(30), 101);
    await client.settled();
    expect(client.flushes().map((flush) => [flush.fs, bidsOf(flush.quotes?.rows)])).toEqual([
      [1, [100]],
      [2, [101]],
    ]);
  });

  it("go on in their epoch and numbers after the object was evicted, and are still known", async () => {
    await load([G]);
    await ingestQuote(second(0), 100);
    const before = await group(G).latestQuotes();
    await evictDurableObject(group(G));
    expect(await group(G).latestQuotes()).toEqual(before);
    await ingestQuote(second(15), 100, { ts: second(0) - 500, lastTs: second(0) - 500 });
    await ingestQuote(second(30), 101);
    const after = await group(G).latestQuotes();
    expect(after).toMatchObject({ epoch: before.epoch, fs: 2 });
    expect(after.quotes).toMatchObject([{ quote: { bid: 101 }, status: "first" }]);
  });

  it("reach Postgres once, a minute of sweeps in one drain, beside the bars", async () => {
    await load([G]);
    for (const index of [0, 15, 30, 45]) await ingestQuote(second(index), 100 + index);
    expect(postgres.quotes.size).toBe(0);
    await ingestMinute(G, 1, { AAPL: 100 });
    await stepTo(minute(2) + 60_000, [G]);
    expect(postgres.drains.get(quotesPlace(G))).toEqual([[1, 4]]);
    expect([...postgres.quotes.values()].map(({ bid }) => bid)).toEqual([100, 115, 130, 145]);
    expect(postgres.drains.get(G)).toEqual([[1, 1]]);
  });

  it("are not sent twice when the answer of Postgres was lost", async () => {
    await load([G]);
    postgres.loseAnswers = 1;
    await ingestQuote(second(0), 100);
    await stepTo(minute(2), [G]);
    await stepTo(minute(4), [G]);
    await ingestQuote(minute(5), 101);
    await stepTo(minute(6), [G]);
    expect(postgres.drains.get(quotesPlace(G))).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("of symbols that are not members are left out", async () => {
    await load([G]);
    const foreign = quoteOf({ symbol: "ZZZ" });
    await group(G).ingestQuotes({ quotes: [foreign], receivedAt: 1 });
    expect((await group(G).latestQuotes()).quotes).toEqual([]);
  });
});

describe("a connection's quotes", () => {
  it("are a stream of their own: who takes bars sees no flush of them, and the other way round", async () => {
    await load([G, HOST]);
    const [bars, quotes] = [await connectTo(HOST), await connectTo(HOST)];
    const barsAck = await bars.subscribe(["AAPL"]);
    const quotesAck = await quotes.subscribeQuotes(["AAPL"]);
    expect(barsAck.token).toMatch(new RegExp(`^${G}b\\.`));
    expect(quotesAck.token).toMatch(new RegExp(`^${G}q\\.`));
    expect(Object.keys(quotesAck.subs)).toEqual(["quotes"]);
    await ingestQuote(second(0), 100);
    await ingestMinute(G, 1, { AAPL: 100 });
    await Promise.all([bars.settled(), quotes.settled()]);
    expect(bars.flushes().map(({ g }) => g)).toEqual([`${G}b`]);
    expect(quotes.flushes().map(({ g }) => g)).toEqual([STREAM]);
  });

  it("come beside bars when both channels are taken, and leave alone", async () => {
    await load([G, HOST]);
    const client = await connectTo(HOST);
    const ack = await client.subscribe(["AAPL"], { ch: ["bars.1m", "quotes"] });
    expect(ack.subs).toMatchObject({ "bars.1m": { count: 1 }, quotes: { count: 1 } });
    await ingestQuote(second(0), 100);
    await ingestMinute(G, 1, { AAPL: 100 });
    await client.ask({ op: "unsub", ch: ["quotes"], symbols: ["AAPL"] });
    await ingestQuote(minute(3), 101);
    await ingestMinute(G, 3, { AAPL: 101 });
    await client.settled();
    expect(numbers(client.flushes(STREAM))).toEqual([1]);
    expect(numbers(client.flushes(`${G}b`))).toEqual([1, 2, 3]);
  });

  it("are resumed with the last quote of each symbol, whatever the token says, and go on live", async () => {
    await load([G, HOST]);
    const first = await connectTo(HOST);
    const { token } = await first.subscribeQuotes(["AAPL", "ORCL"]);
    for (const index of [0, 15, 30]) await ingestQuote(second(index), 100 + index);
    for (const resume of [token, `${STREAM}.000000000000000.99.a`]) {
      const client = await connectTo(HOST);
      const ack = await client.subscribeQuotes(["AAPL", "ORCL"], { resume });
      expect(ack.resume).toEqual([{ g: STREAM, recovered: true, snapshot: true }]);
      const snapshot = await client.find((frame) => (frame.op === "snapshot" ? frame : null));
      expect(snapshot).toMatchObject({ g: STREAM, fs: 3 });
      expect(bidsOf(snapshot.quotes?.rows)).toEqual([130]);
      expect(client.flushes()).toEqual([]);
    }
    const late = await connectTo(G);
    await late.subscribeQuotes(["AAPL"], { resume: token });
    await late.find((frame) => (frame.op === "snapshot" ? frame : null));
    await ingestQuote(second(45), 200);
    await Promise.all([late.settled(), first.settled()]);
    expect(numbers(late.flushes())).toEqual([4]);
    expect(numbers(first.flushes())).toEqual([1, 2, 3, 4]);
  });

  it("begin with a snapshot when one is asked for, of its own symbols only", async () => {
    await load([G]);
    await ingestQuote(second(0), 100);
    await ingestQuote(second(1), 50, { symbol: "ORCL" });
    const client = await connectTo(G);
    const ack = await client.subscribeQuotes(["ORCL"], { from: "snapshot" });
    expect(ack.resume).toBeUndefined();
    const snapshot = await client.find((frame) => (frame.op === "snapshot" ? frame : null));
    expect(snapshot.quotes?.rows.map(([symbol]) => symbol)).toEqual(["ORCL"]);
  });

  it("survive the hibernation of their host, and catch up by a snapshot on what it missed", async () => {
    await load([G, HOST]);
    const client = await connectTo(HOST);
    await client.subscribe(["AAPL"], { ch: ["bars.1m", "quotes"] });
    await ingestQuote(second(0), 100);
    await client.settled();
    await evictDurableObject(group(HOST));
    await ingestQuote(second(15), 101);
    await client.settled();
    expect(numbers(client.flushes(STREAM))).toEqual([1, 2]);
    expect(client.of("snapshot")).toEqual([]);
  });
});

describe("GET /v1/quotes", () => {
  it("shows what is stale as null, says so, and names symbols without a quote", async () => {
    await load([G]);
    await ingestQuote(second(0), 100, {
      provider: "iex",
      feed: "iex",
      venue: "IEX",
      consolidated: false,
    });
    const path = "/v1/quotes/latest?symbols=AAPL,ORCL";
    expect(await ask(path)).toMatchObject({
      quotes: [{ symbol: "AAPL", bid: 100, venue: "IEX", consolidated: false, stale: false }],
      without_quote: ["ORCL"],
    });
    stepMarketClock(second(0) + MAX_QUOTE_AGE_MS);
    const { quotes } = await ask(path);
    expect(quotes).toMatchObject([
      { bid: null, ask: null, bid_size: null, last: null, stale: true },
    ]);
  });

  it("pages the history of a symbol up to what is stored, and says how far that is", async () => {
    await load([G]);
    expect(await ask("/v1/quotes?symbol=AAPL")).toMatchObject({ quotes: [], horizon: null });
    for (const index of [0, 15, 30]) await ingestQuote(second(index), 100 + index);
    await stepTo(minute(2), [G]);
    await ingestQuote(minute(2) + 1_000, 200);
    const first = await ask("/v1/quotes?symbol=AAPL&limit=2");
    expect(first.quotes.map(({ bid }) => bid)).toEqual([100, 115]);
    expect(first.horizon).toBe(new Date(second(30)).toISOString());
    const token = first.next_page_token;
    const last = await ask(`/v1/quotes?symbol=AAPL&limit=2&page_token=${token}`);
    expect(last.quotes.map(({ bid }) => bid)).toEqual([130]);
    expect(last.next_page_token).toBeNull();
    expect((await ask(`/v1/quotes?symbol=MSFT&page_token=${token}`)).status).toBe(400);
    expect((await ask("/v1/quotes?symbol=lower")).status).toBe(422);
  });
});
