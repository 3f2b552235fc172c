import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { type Flush, parseFlush } from "../../src/contracts/flush.ts";
import { firstRate, learnRate } from "../../src/domain/plausibility.ts";
import { groupOf } from "../../src/domain/symbol.ts";
import {
  AAPL_GROUP,
  alpaca,
  api,
  group,
  load,
  minute,
  polygon,
  postgres,
  SYMBOL_GROUPS,
  tick,
  useWorld,
} from "./support/world.ts";

const G = AAPL_GROUP;
/** Seven symbols of one group: enough to expect three bars a minute. The last one never trades. */
const SYMBOLS = symbolsOfGroup(7);
const BUSY = SYMBOLS.slice(0, 6);
const QUIET = SYMBOLS[6] ?? "";
useWorld(SYMBOLS);

function symbolsOfGroup(count: number): string[] {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");
  const names = letters.flatMap((a) => letters.map((b) => `Q${a}${b}`));
  return names.filter((name) => groupOf(name, SYMBOL_GROUPS) === G).slice(0, count);
}

const trading = (close: number) => (symbol: string) => (symbol === QUIET ? null : close);
const nothing = () => null;

async function flushes(): Promise<Flush[]> {
  const { flushes: logged } = await group(G).readLog("bars", 0, 1_000_000);
  return logged.map(({ payload }) => parseFlush(payload));
}

/** Every state that was ever told of a symbol at a minute, as letters. */
async function toldOf(symbol: string, index: number): Promise<string> {
  const slot = SYMBOLS.indexOf(symbol);
  const man = (await flushes()).flatMap((flush) => flush.man);
  return man
    .filter(([ts]) => ts === minute(index))
    .map(([, states]) => states[slot] ?? "")
    .join("")
    .toLowerCase();
}

async function sourceEvents(): Promise<string[]> {
  return (await flushes()).flatMap((flush) =>
    flush.source.map(([, before, after, reason]) => `${before} ${after} ${reason}`),
  );
}

async function counter(series: string): Promise<number> {
  const text = await (await api("/metrics")).text();
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.split(" ")[1] ?? 0);
}

async function ticks(from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index += 1) await tick(minute(index), [G]);
}

describe("a provider that answers 200 with nothing", () => {
  it("makes nothing no_trade while another serves, and the change is told in a flush", async () => {
    alpaca.at = trading(100);
    polygon.at = trading(200);
    await load([G]);
    await ticks(1, 2);
    alpaca.at = nothing;
    await ticks(3, 9);
    for (let index = 2; index < 9; index += 1) {
      for (const symbol of BUSY) expect(await toldOf(symbol, index)).toMatch(/^p*b+$/);
    }
    expect(await toldOf(QUIET, 4)).toMatch(/^p*n$/);
    expect(await sourceEvents()).toEqual(["alpaca/sip polygon/sip implausible"]);
    const late = postgres.rows(G).filter((row) => row.ts >= minute(2));
    expect(late).toHaveLength(7 * BUSY.length);
    expect(new Set(late.map((row) => row.provider))).toEqual(new Set(["polygon"]));
    expect(postgres.rows(G).every((row) => row.revision === 0)).toBe(true);
    // Once a poll, and once more for a poll that asks in windows.
    expect(await counter('implausible_answers_total{provider="alpaca"}')).toBeGreaterThanOrEqual(7);
    expect(await counter('implausible_answers_total{provider="polygon"}')).toBe(0);
  });

  it("is believed when the other one says the same, which is told beside", async () => {
    for (const provider of [alpaca, polygon]) provider.at = nothing;
    await load([G]);
    await ticks(1, 2);
    expect(await toldOf(BUSY[0] ?? "", 0)).not.toContain("n");
    await ticks(3, 3);
    for (const symbol of SYMBOLS) expect(await toldOf(symbol, 0)).toMatch(/n$/);
    expect(await sourceEvents()).toEqual(["polygon/sip polygon/sip absence_agreed"]);
    expect((await group(G).status()).headFs).toBe((await flushes()).length);
    expect(postgres.cursors.get(G)?.watermark).toBe(minute(1));
  });

  it("is believed on the third tick when nobody else serves this key, and not before", async () => {
    alpaca.at = nothing;
    polygon.mood = {
      kind: "status",
      status: 403,
      body: '{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}',
    };
    await load([G]);
    await ticks(1, 2);
    expect(await toldOf(BUSY[0] ?? "", 0)).toMatch(/^p+$/);
    await evictDurableObject(group(G));
    await ticks(3, 3);
    for (const symbol of SYMBOLS) expect(await toldOf(symbol, 0)).toMatch(/n$/);
    expect(await toldOf(BUSY[0] ?? "", 1)).toMatch(/^p+$/);
    expect(await sourceEvents()).toEqual(["alpaca/sip alpaca/sip absence_repeated"]);
    // A doubted minute is pending: no hole was told.
    expect((await flushes()).flatMap((flush) => flush.gaps)).toEqual([]);
  });

  it("does not take away a bar that comes later, though it was believed", async () => {
    for (const provider of [alpaca, polygon]) provider.at = nothing;
    await load([G]);
    await ticks(1, 3);
    alpaca.at = trading(100);
    await ticks(4, 5);
    expect(await toldOf(BUSY[0] ?? "", 0)).toMatch(/n.*b$/);
  });
});

describe("what the members trade", () => {
  const rates = () =>
    runInDurableObject(group(G), (_object, state) => {
      const rows = state.storage.sql
        .exec<{ span: number; body: ArrayBuffer }>("SELECT span, body FROM trading_rate")
        .toArray();
      return rows.map(({ span, body }) => [span, ...new Float32Array(body)]);
    });
  const learned = (traded: boolean, times: number) =>
    Array.from({ length: times }).reduce<number>(
      (rate) => Math.fround(learnRate(rate, traded)),
      Math.fround(firstRate("T0")),
    );

  it("is learned once a minute, by half hour, and kept over an eviction", async () => {
    alpaca.at = trading(100);
    polygon.at = trading(100);
    await load([G]);
    await ticks(1, 12);
    await evictDurableObject(group(G));
    // Twelve minutes with bars; of the quiet one ten have settled.
    const [row] = await rates();
    expect(row?.[0]).toBe(0);
    expect(row?.slice(1)).toEqual([...BUSY.map(() => learned(true, 12)), learned(false, 10)]);
    await ticks(13, 31);
    await evictDurableObject(group(G));
    const after = await rates();
    expect(after.map(([span]) => span)).toEqual([0, 1]);
    expect(after[0]?.slice(1)).toEqual([...BUSY.map(() => learned(true, 30)), learned(false, 29)]);
    expect(after[1]?.[1]).toBe(learned(true, 1));
  });

  it("is sent with each fetch, so that half of the market is judged to be too little", async () => {
    alpaca.at = trading(100);
    polygon.at = trading(200);
    await load([G]);
    await ticks(1, 3);
    alpaca.at = (symbol) => (BUSY.indexOf(symbol) < 2 && symbol !== QUIET ? 100 : null);
    await ticks(4, 4);
    const last = postgres.rows(G).filter((row) => row.ts === minute(3));
    // The bars that came are taken, the others are the second provider's.
    expect(last.map((row) => row.provider).toSorted()).toEqual([
      ...Array.from({ length: 2 }, () => "alpaca"),
      ...Array.from({ length: 4 }, () => "polygon"),
    ]);
  });
});

describe("bars that the second provider gave", () => {
  it("are asked of it again after the first is back, and its correction is taken", async () => {
    alpaca.at = nothing;
    polygon.at = trading(200);
    await load([G]);
    await ticks(1, 3);
    alpaca.at = trading(100);
    polygon.at = (symbol, ts) => (symbol === QUIET ? null : ts === minute(2) ? 201 : 200);
    polygon.calls.length = 0;
    await ticks(4, 4);
    expect(polygon.calls).toHaveLength(SYMBOLS.length);
    const rows = postgres.rows(G).filter((row) => row.symbol === BUSY[0]);
    expect(
      rows.map(({ ts, close, revision, provider }) => [ts, close, revision, provider]),
    ).toEqual([
      [minute(0), 200, 0, "polygon"],
      [minute(1), 200, 0, "polygon"],
      [minute(2), 200, 0, "polygon"],
      [minute(2), 201, 1, "polygon"],
      [minute(3), 100, 0, "alpaca"],
    ]);
    expect(await counter('bars_revised_total{provider="polygon"}')).toBe(BUSY.length);
    expect(await counter('bars_disagreed_total{provider="alpaca"}')).toBe(0);
  });

  it("are not revised by the first when their giver is away: what differs is counted", async () => {
    alpaca.at = nothing;
    polygon.at = trading(200);
    await load([G]);
    await ticks(1, 2);
    alpaca.at = trading(100);
    polygon.mood = { kind: "status", status: 502 };
    await ticks(3, 3);
    const rows = postgres.rows(G).filter((row) => row.ts < minute(2));
    expect(rows.map((row) => [row.close, row.revision])).toEqual(
      Array.from({ length: 2 * BUSY.length }, () => [200, 0]),
    );
    expect(await counter('bars_disagreed_total{provider="alpaca"}')).toBe(2 * BUSY.length);
  });
});
