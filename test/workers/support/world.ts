import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";
import { SymbolGroup } from "../../../durable-objects/symbol-group.ts";
import type { IngestAnswer, PollOutcome } from "../../../src/contracts/ingest.ts";
import { createCalendar, type TradingSession } from "../../../src/domain/calendar.ts";
import { groupName, groupOf } from "../../../src/domain/symbol.ts";
import { type Tier, TIERS } from "../../../src/domain/tier.ts";
import { MINUTE_MS } from "../../../src/domain/time.ts";
import { stepMarketClock, useSteppedMarketClock } from "../../../src/platform/clocks.ts";
import { FakeCoordinator, RLC_HOST } from "./coordinator.ts";
import { FakeCalendar } from "./fake-calendar.ts";
import { FakeOptions } from "./fake-options.ts";
import { FakePostgres } from "./fake-postgres.ts";
import { FakeProvider } from "./fake-providers.ts";
import { FakeSplits } from "./fake-splits.ts";
import { StreamClient } from "./stream-client.ts";

export const SYMBOL_GROUPS = 32;
/** The group of AAPL and ORCL, of MSFT, and of BAC, J and SPY. */
export const AAPL_GROUP = groupOf("AAPL", SYMBOL_GROUPS);
export const MSFT_GROUP = groupOf("MSFT", SYMBOL_GROUPS);
export const SPY_GROUP = groupOf("SPY", SYMBOL_GROUPS);

export const postgres = new FakePostgres();
export const alpaca = new FakeProvider("alpaca");
export const polygon = new FakeProvider("polygon");
/** The trading days ahead, as both of them say. */
export const calendarSays = new FakeCalendar();
/** Polygon's option chains. */
export const optionsSay = new FakeOptions();
/** The splits that Polygon tells of. */
export const splitsSay = new FakeSplits();
/** Asked only by a deployment that has one. */
export const coordinator = new FakeCoordinator();

const calendar = createCalendar();
useSteppedMarketClock("development");
/** Market time never goes back, so each test has a session of its own; the first is 2026-03-20. */
let session: TradingSession = calendar.previousSession(Date.UTC(2026, 2, 19, 22));

let timeouts: number[] = [];
const undo: (() => void)[] = [];

/** Gives each test of a file empty objects, a fresh world behind `fetch`, and the next session. */
export function useWorld(
  members: readonly string[] = ["AAPL", "ORCL", "MSFT", "SPY", "BAC"],
): void {
  beforeEach(() => {
    for (const part of [
      postgres,
      alpaca,
      polygon,
      calendarSays,
      optionsSay,
      splitsSay,
      coordinator,
    ])
      part.reset();
    postgres.members = members.map((symbol, index) => ({
      symbol,
      sid: 10 + index,
      group: groupOf(symbol, SYMBOL_GROUPS),
    }));
    // A time-out that still runs keeps an object from being evicted; nothing here waits for one.
    timeouts = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((delayMs) => {
      timeouts.push(delayMs);
      return new AbortController().signal;
    });
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const request = new Request(input, init);
      const url = new URL(request.url);
      const daily = calendarSays.answer(url) ?? optionsSay.answer(url) ?? splitsSay.answer(url);
      if (daily !== null) return daily;
      if (url.host === "db.test") return await postgres.answer(request);
      if (url.host === "alpaca.test") return await alpaca.answer(url);
      if (url.host === "polygon.test") return await polygon.answer(url);
      if (url.host === RLC_HOST) return await coordinator.answer(request);
      throw new TypeError(`nobody answers at ${url.host}`);
    });
    session = calendar.nextSession(session.closeMs);
    stepMarketClock(session.openMs);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const restore of undo.splice(0).toReversed()) restore();
    await reset();
  });
}

/** Delays of the time-out signals that were made in this test, ms. */
export function askedTimeouts(): readonly number[] {
  return timeouts;
}

/** Runs `act` between an object's making its answer to a call and the caller's getting it. */
export function afterAnswering(
  method: "follow" | "readLog" | "latestBars" | "deliver" | "auditSums",
  act: (answer: unknown) => Promise<void>,
): void {
  const { prototype } = SymbolGroup;
  const real: unknown = Reflect.get(prototype, method);
  if (typeof real !== "function") throw new TypeError(`no verb ${method}`);
  Reflect.set(prototype, method, async function (this: SymbolGroup, ...args: unknown[]) {
    const answer: unknown = await Reflect.apply(real, this, args);
    await act(answer);
    return answer;
  });
  undo.push(() => Reflect.set(prototype, method, real));
}

/** Start of the minute `index` of this test's session, ms. */
export function minute(index: number): number {
  return session.openMs + index * MINUTE_MS;
}

/** The session that this test plays in. */
export function currentSession(): TradingSession {
  return session;
}

export function group(number: number) {
  return env.SYMBOL_GROUP.getByName(groupName(number));
}

export function queue(tier: Tier) {
  return env.BACKFILL_QUEUE.getByName(tier);
}

/** Sets market time and runs what is due by then in these groups and in the queues. */
export async function stepTo(ms: number, groups: readonly number[]): Promise<void> {
  stepMarketClock(ms);
  await comeToRest(groups);
}

/** Runs these groups and the queues until neither has anything due; answers the next due instant of the groups. */
async function comeToRest(groups: readonly number[]): Promise<number | null> {
  const dueMs: (number | null)[] = [];
  for (const number of groups) dueMs.push(await group(number).runUntilQuiet());
  for (const tier of TIERS) await queue(tier).runUntilQuiet();
  for (const number of groups) dueMs.push(await group(number).runUntilQuiet());
  const next = dueMs.slice(groups.length).filter((ms) => ms !== null);
  return next.length === 0 ? null : Math.min(...next);
}

/** The cron tick at a minute, and what it makes due, run to the end. */
export async function tick(ms: number, groups: readonly number[]): Promise<void> {
  stepMarketClock(ms);
  for (const number of groups) await group(number).plan(ms);
  const dueMs = await comeToRest(groups);
  if (dueMs !== null && dueMs < ms + MINUTE_MS) await stepTo(dueMs, groups);
}

/** Gives the groups their members without asking for anything: a tick before the open. */
export async function load(groups: readonly number[]): Promise<void> {
  for (const number of groups) await group(number).plan(session.openMs);
}

/** A complete answer for some symbols over `[startMs, endMs)`: closes by symbol and minute index. */
export function answerOf(
  closes: Readonly<Record<string, Readonly<Record<number, number>>>>,
  part: {
    fromIndex: number;
    toIndex: number;
    askedAt?: number;
    provider?: "alpaca" | "polygon";
    settle?: boolean;
  },
): IngestAnswer {
  const bars = Object.entries(closes).flatMap(([symbol, byIndex]) =>
    Object.entries(byIndex).map(([index, close]) => ({
      symbol,
      ts: minute(Number(index)),
      open: close,
      high: close,
      low: close,
      close,
      volume: 100,
      vwap: close,
      tradeCount: 10,
    })),
  );
  return {
    source: { provider: part.provider ?? "alpaca", feed: "sip" },
    askedAt: part.askedAt ?? minute(part.toIndex),
    receivedAt: 0,
    settle: part.settle ?? false,
    bars,
    covered: [
      {
        symbols: Object.keys(closes),
        startMs: minute(part.fromIndex),
        endMs: minute(part.toIndex),
      },
    ],
    doubted: [],
    agreed: [],
    alone: false,
    refused: {},
  };
}

export function outcomeOf(...answers: IngestAnswer[]): PollOutcome {
  return { answers, calls: [], selected: [], failures: [], uncovered: 0 };
}

/** Hands a group one bar a symbol for one minute, just after its end, and lets everything settle. */
export async function ingestMinute(
  number: number,
  index: number,
  closes: Readonly<Record<string, number>>,
): Promise<void> {
  stepMarketClock(minute(index + 1) + 3_000);
  const byMinute = Object.fromEntries(
    Object.entries(closes).map(([symbol, close]) => [symbol, { [index]: close }]),
  );
  await group(number).ingest(
    "test",
    outcomeOf(answerOf(byMinute, { fromIndex: index, toIndex: index + 1 })),
  );
  await group(number).runUntilQuiet();
}

export const KEY = "test-bootstrap-key-0123456789";

/** A request of the Worker with its key. */
export async function api(
  path: string,
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${KEY}` },
) {
  return await exports.default.fetch(new Request(`https://mds.test${path}`, { headers }));
}

/** A connection hosted by a group of the test's choice. */
export async function connectTo(number: number, query = ""): Promise<StreamClient> {
  const response = await group(number).fetch(`https://mds.test/v1/stream${query}`, {
    headers: { Upgrade: "websocket" },
  });
  if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
  return new StreamClient(response.webSocket);
}

/** A connection through the Worker, hosted by whom it chooses. */
export async function connect(query = ""): Promise<StreamClient> {
  const response = await api(`/v1/stream${query}`, {
    Upgrade: "websocket",
    "Sec-WebSocket-Protocol": `mds.v1, key.${KEY}`,
  });
  if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
  return new StreamClient(response.webSocket);
}

/** A promise and the hand that resolves it. */
export function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, passed: promise };
}
