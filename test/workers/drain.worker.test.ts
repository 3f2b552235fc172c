import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { BackfillQueue } from "../../durable-objects/backfill-queue.ts";
import { MetricsHub } from "../../durable-objects/metrics-hub.ts";
import { DAY_MS, MINUTE_MS, toIso } from "../../src/domain/time.ts";
import { parseTradingDate } from "../../src/domain/trading-date.ts";
import { playUntil } from "./support/backfills.ts";
import {
  AAPL_GROUP,
  alpaca,
  answerOf,
  api,
  connectTo,
  currentSession,
  group,
  ingestMinute,
  load,
  minute,
  outcomeOf,
  postgres,
  stepTo,
  useWorld,
} from "./support/world.ts";
import { stepMarketClock } from "../../src/platform/clocks.ts";

const G = AAPL_GROUP;
useWorld();

const fsOf = () => (postgres.flushes.get(G) ?? []).map((flush) => flush.fs);
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const bars = (index: number) => ({ AAPL: 100 + index, ORCL: 50 });

/** Ingests without waiting for what follows from it. */
async function ingestOnly(index: number): Promise<void> {
  stepMarketClock(minute(index + 1) + 3_000);
  const closes = Object.fromEntries(
    Object.entries(bars(index)).map(([symbol, close]) => [symbol, { [index]: close }]),
  );
  await group(G).ingest(
    "test",
    outcomeOf(answerOf(closes, { fromIndex: index, toIndex: index + 1 })),
  );
}

describe("the drain of a group", () => {
  it("brings every flush to Postgres in order and once", async () => {
    await load([G]);
    for (const index of upTo(6)) await ingestMinute(G, index - 1, bars(index - 1));
    expect(fsOf()).toEqual(upTo(6));
    expect(postgres.drains.get(G)?.map(([from]) => from)).toEqual(upTo(6));
    expect((await group(G).status()).undrainedOldestMs).toBeNull();
    expect(postgres.cursors.get(G)?.watermark).toBe(minute(6));
  });

  it("keeps everything while Postgres is away and brings it all when it is back", async () => {
    await load([G]);
    postgres.away = true;
    for (let index = 0; index < 40; index += 1) await ingestMinute(G, index, bars(index));
    const waiting = await group(G).status();
    expect(waiting).toMatchObject({
      headFs: 40,
      drainedFs: 0,
      undrainedOldestMs: minute(1) + 3_000,
    });
    expect(fsOf()).toEqual([]);
    postgres.away = false;
    await stepTo(minute(42), [G]);
    await stepTo(minute(43), [G]);
    expect(fsOf()).toEqual(upTo(40));
    expect((await group(G).status()).drainedFs).toBe(40);
  });

  it("does not repeat a transaction that committed although its answer was lost", async () => {
    await load([G]);
    postgres.loseAnswers = 1;
    await ingestMinute(G, 0, bars(0));
    expect(fsOf()).toEqual([1]);
    expect((await group(G).status()).drainedFs).toBe(0);
    await stepTo(minute(2), [G]);
    expect((await group(G).status()).drainedFs).toBe(1);
    expect(fsOf()).toEqual([1]);
  });

  it("goes on behind a lost answer with what came meanwhile", async () => {
    await load([G]);
    postgres.loseAnswers = 1;
    await ingestMinute(G, 0, bars(0));
    await ingestMinute(G, 1, bars(1));
    await ingestMinute(G, 2, bars(2));
    expect(fsOf()).toEqual([1, 2, 3]);
    expect((await group(G).status()).drainedFs).toBe(3);
  });

  it("goes on after the object was evicted in the middle of it", async () => {
    await load([G]);
    postgres.away = true;
    for (let index = 0; index < 20; index += 1) await ingestMinute(G, index, bars(index));
    await evictDurableObject(group(G));
    postgres.away = false;
    postgres.loseAnswers = 1;
    await stepTo(minute(30), [G]);
    await evictDurableObject(group(G));
    await stepTo(minute(32), [G]);
    await stepTo(minute(34), [G]);
    expect(fsOf()).toEqual(upTo(20));
    expect((await group(G).status()).drainedFs).toBe(20);
  });

  it("is not quiet before a flush that came while the last drain was being reported is stored", async () => {
    await load([G]);
    vi.spyOn(MetricsHub.prototype, "report").mockImplementationOnce(() => ingestOnly(1));
    await ingestOnly(0);
    await group(G).runUntilQuiet();
    expect(fsOf()).toEqual([1, 2]);
  });
});

const LATER_EPOCH = "0znhiklkoaaaaaa";
const statusOf = async () => await group(G).status();

/** Postgres is said to know a later life of the stream than the object. */
function knowLaterEpoch(): void {
  const { asOf = 0 } = postgres.cursors.get(G) ?? {};
  postgres.cursors.set(G, { epoch: LATER_EPOCH, fs: 5, asOf, watermark: null });
}

describe("a Postgres that stands elsewhere than the log", () => {
  it("is filled again from the log after it was set back, and the operator is told", async () => {
    await load([G]);
    for (const index of upTo(6)) await ingestMinute(G, index - 1, bars(index - 1));
    const before = postgres.rows(G);
    postgres.setBack(G, 2);
    await ingestMinute(G, 6, bars(6));
    expect(fsOf()).toEqual(upTo(7));
    expect(postgres.rows(G).slice(0, before.length)).toEqual(before);
    const { drainedFs, drainFault, drainNotes, epoch } = await statusOf();
    expect({ drainedFs, drainFault }).toEqual({ drainedFs: 7, drainFault: null });
    expect(drainNotes.map(({ kind, text }) => [kind, text])).toEqual([
      ["rewind", "Postgres was set back to flush 2: what came after it was sent again"],
    ]);
    expect(postgres.cursors.get(G)?.epoch).toBe(epoch);
  });

  it("promises nothing of what it lost while the market is quiet, and is filled again by the read", async () => {
    await load([G]);
    for (const index of upTo(6)) await ingestMinute(G, index - 1, bars(index - 1));
    const range = `symbols=AAPL&start=${minute(0)}&end=${minute(6)}`;
    const read = (asOfMs: number) => api(`/v1/bars?${range}&as_of=${toIso(asOfMs)}`);
    stepMarketClock(minute(10));
    const before = await (await read(minute(8))).text();
    postgres.setBack(G, 2);
    const meanwhile = await read(minute(9));
    expect(meanwhile.status).toBe(409);
    expect(await meanwhile.json()).toMatchObject({ code: "not_yet_known" });
    await group(G).runUntilQuiet();
    expect(fsOf()).toEqual(upTo(6));
    // A group's answer is used again for a second.
    await vi.waitFor(async () => expect((await read(minute(9))).status).toBe(200), 3_000);
    expect(await (await read(minute(8))).text()).toBe(before);
  });

  it("gets a new epoch when it knows a later one, and every bar again as the next revision", async () => {
    await load([G]);
    const client = await connectTo(G);
    await client.subscribe(["AAPL", "ORCL"]);
    for (const index of upTo(3)) await ingestMinute(G, index - 1, bars(index - 1));
    const old = await statusOf();
    knowLaterEpoch();
    const indexOf = (ts: number) => (ts - minute(0)) / MINUTE_MS;
    alpaca.at = (symbol, ts) =>
      indexOf(ts) > 3 ? null : symbol === "AAPL" ? 100 + indexOf(ts) : 50;
    await ingestMinute(G, 3, bars(3));
    const renewed = await statusOf();
    expect(renewed.epoch > LATER_EPOCH).toBe(true);
    expect(renewed.drainNotes.map(({ kind }) => kind)).toEqual(["renew"]);
    await playUntil(minute(8));
    const stored = (postgres.flushes.get(G) ?? []).filter(({ epoch }) => epoch === renewed.epoch);
    expect(stored.map(({ fs }) => fs)).toEqual(upTo(stored.length));
    expect(
      stored
        .flatMap(({ rows }) => rows)
        .filter(({ symbol }) => symbol === "AAPL")
        .map(({ ts, close, revision }) => [indexOf(ts), close, revision]),
    ).toEqual([
      [0, 100, 1],
      [1, 101, 1],
      [2, 102, 1],
      [3, 103, 1],
    ]);
    const gaps = stored.flatMap((flush) => flush.gaps).filter(([symbol]) => symbol === "AAPL");
    expect(gaps.map(([, fromMs, toMs, kind]) => [indexOf(fromMs), indexOf(toMs), kind])).toEqual([
      [0, 4, "open"],
      [0, 4, "filled"],
    ]);
    expect((await statusOf()).drainFault).toBeNull();
    await client.settled();
    expect(client.of("epoch")).toMatchObject([
      { op: "epoch", g: `${G}b`, e: renewed.epoch, fs: 0, handoff: { join_fs: 1 } },
    ]);
    // What the other life of the stream knew is read from Postgres.
    expect(client.of("epoch")[0]?.handoff?.url).toMatch(
      /^\/v1\/bars\/diff\?as_of_a=[^&]+&as_of_b=[^&]+&symbols=AAPL%2CORCL$/,
    );
    expect(
      client
        .flushes()
        .filter(({ e }) => e === renewed.epoch)
        .map(({ fs }) => fs),
    ).toEqual(upTo(stored.length));
    expect(old.epoch < renewed.epoch).toBe(true);
  });

  it("is known to lack what was before its new epoch, for whoever asks for a replay", async () => {
    await load([G]);
    const isTruncated = async (sinceMs: number) => {
      const from = { kind: "time", sinceMs } as const;
      return (await group(G).replay({ from, symbols: null, limit: 9, maxBytes: 9_999 })).truncated;
    };
    for (const index of upTo(3)) await ingestMinute(G, index - 1, bars(index - 1));
    expect([await isTruncated(minute(-1)), await isTruncated(minute(2))]).toEqual([true, false]);
    knowLaterEpoch();
    await ingestMinute(G, 3, bars(3));
    expect((await statusOf()).epoch > LATER_EPOCH).toBe(true);
    const after = [await isTruncated(minute(2)), await isTruncated(minute(4) + 4_000)];
    expect(after).toEqual([true, false]);
  });

  it("is not drained to while a new epoch is being made, or that would ask for one more", async () => {
    await load([G]);
    await ingestMinute(G, 0, bars(0));
    knowLaterEpoch();
    const answer = postgres.answer.bind(postgres);
    let drainsMeanwhile: number | null = null;
    let drains = 0;
    vi.spyOn(postgres, "answer").mockImplementation(async (request) => {
      const asked = await request.clone().text();
      if (asked.includes("drain_begin")) drains += 1;
      if (asked.includes("unnest(c.holes)") && drainsMeanwhile === null) {
        const before = drains;
        drainsMeanwhile = 0;
        await ingestOnly(2);
        await statusOf();
        drainsMeanwhile = drains - before;
      }
      return await answer(request);
    });
    await ingestMinute(G, 1, bars(1));
    expect(drainsMeanwhile).toBe(0);
    expect((await statusOf()).drainNotes.map(({ kind }) => kind)).toEqual(["renew"]);
  });

  it("gets the daily bars of the doubted span again too, as the next revision", async () => {
    await load([G]);
    await ingestMinute(G, 0, bars(0));
    const { date } = currentSession();
    const ts = parseTradingDate(date) * DAY_MS;
    const bar = { symbol: "AAPL", ts, open: 9, high: 9, low: 9, close: 9, volume: 9 };
    const answer = (askedAt: number) => ({
      source: { provider: "polygon" as const, feed: "sip" as const },
      askedAt,
      settle: false,
      bars: [{ ...bar, vwap: null, tradeCount: null }],
      covered: [{ symbols: ["AAPL"], startMs: ts, endMs: ts + DAY_MS }],
    });
    await group(G).ingestDaily([answer(minute(1))]);
    await group(G).runUntilQuiet();
    knowLaterEpoch();
    const offered = vi.spyOn(BackfillQueue.prototype, "offer");
    await ingestMinute(G, 1, bars(1));
    const days = offered.mock.calls.flatMap(([holes]) =>
      holes.filter((hole) => hole.interval === "1d"),
    );
    expect(days).toEqual([
      { group: G, symbol: "AAPL", interval: "1d", startMs: ts, endMs: ts + DAY_MS, priority: 0 },
    ]);
    await group(G).ingestDaily([answer(minute(2))]);
    await group(G).runUntilQuiet();
    expect(postgres.daily.written.map(({ symbol, revision }) => [symbol, revision])).toEqual([
      ["AAPL", 0],
      ["AAPL", 1],
    ]);
  });

  it("gets a new epoch when the object was set back and would give its numbers twice", async () => {
    await load([G]);
    for (const index of upTo(2)) await ingestMinute(G, index - 1, bars(index - 1));
    const { epoch } = await statusOf();
    const cursor = postgres.cursors.get(G);
    if (cursor === undefined) throw new Error("nothing was drained");
    postgres.cursors.set(G, { ...cursor, fs: 40 });
    await ingestMinute(G, 2, bars(2));
    await stepTo(minute(4), [G]);
    expect((await statusOf()).epoch > epoch).toBe(true);
    expect(fsOf().slice(2).at(0)).toBe(1);
  });

  it("gets no fourth new epoch in a day: two services may share it, and a person is told", async () => {
    await load([G]);
    await ingestMinute(G, 0, bars(0));
    const epochs = new Set<string>();
    for (const index of [1, 2, 3, 4]) {
      const { asOf = 0 } = postgres.cursors.get(G) ?? {};
      const { epoch } = await statusOf();
      postgres.cursors.set(G, {
        epoch: `${epoch.slice(0, 9)}zzzzzz`,
        fs: 5,
        asOf,
        watermark: null,
      });
      await ingestMinute(G, index, bars(index));
      await stepTo(minute(index + 2), [G]);
      epochs.add((await statusOf()).epoch);
    }
    expect(epochs.size).toBe(3);
    expect((await statusOf()).drainFault).toContain("shared with another service");
  });

  it("is not sent what it refuses: the row is parked, its flush and the next ones are stored", async () => {
    await load([G]);
    postgres.refusedSymbols.add("ORCL");
    await ingestMinute(G, 0, bars(0));
    await ingestMinute(G, 1, bars(1));
    expect(fsOf()).toEqual([1, 2]);
    expect(postgres.rows(G).map(({ symbol }) => symbol)).toEqual(["AAPL", "AAPL"]);
    expect(postgres.parked.rows.map(({ symbol }) => symbol)).toEqual(["ORCL", "ORCL"]);
    const status = await statusOf();
    expect(status.drainFault).toBeNull();
    expect(status.drainNotes.map(({ text }) => text)).toEqual(
      Array.from({ length: 2 }, () => "a row was parked: a price is refused"),
    );
    const answer = await api("/ops/parked?limit=1");
    const page = z
      .object({ parked: z.array(z.unknown()), next_page_token: z.string() })
      .parse(await answer.json());
    expect(page.parked).toMatchObject([
      { symbol: "ORCL", reason: "a price is refused", stream: { group: G, fs: 2 } },
    ]);
  });
});
