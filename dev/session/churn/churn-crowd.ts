import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { STREAM_CLASSES } from "../../../src/contracts/flush.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import { streamName } from "../../../src/stream/token.ts";
import type { LocalStack } from "../../stack/local-stack.ts";
import { hasLeftLog } from "../handoff.ts";
import { ChurnClient, type ChurnShared } from "./churn-client.ts";
import { type ChurnEvent, type ChurnTimes, planChurn } from "./churn-plan.ts";
import { churnResult, type ChurnResult } from "./churn-result.ts";
import { FrameReader } from "./frame-reader.ts";
import { readOwed } from "./read-owed.ts";
import { ResumeTally } from "./resume-tally.ts";
import { RowBook } from "./row-book.ts";
import { turnsOf } from "./turns.ts";
import { changedWant, isHeavy, wantOf } from "./wants.ts";

/** Hand-offs that are fetched at the same time. */
const MAX_HANDOFFS = 6;
/** Market time goes on while so many clients are on their way in, at least … */
const MIN_UNDER_WAY = 16;
/** … or this part of all; more, and it waits for them, this long at most. */
const UNDER_WAY_PART = 0.25;
const WAIT_MS = 60_000;
const POLL_MS = 10;
const CATCH_UP_MS = 180_000;
/** At the first connect so many come at once. */
const COME_AT_ONCE = 50;
const BEAT_EVERY_MS = 1_000;
/** Asks again while the runtime is away. */
const ASK_TRIES = 15;
const ASK_AGAIN_MS = 2_000;

/** A crowd: how many clients, who they are, and when they come and go. */
export interface CrowdOptions {
  readonly stack: LocalStack;
  readonly seed: number;
  readonly clients: number;
  readonly symbolGroups: number;
  readonly universe: readonly string[];
  /** One a session, in order. */
  readonly times: readonly ChurnTimes[];
}

/**
 * Clients that drop at random and come back by their tokens while a session is played, all in this process: they
 * share what they parse and the names of what they get.
 */
export class ChurnCrowd {
  #options: CrowdOptions;
  #rows: RowBook;
  #shared: ChurnShared;
  #clients: ChurnClient[];
  #plan: { event: ChurnEvent; client: ChurnClient }[];
  #next = 0;
  /** What a client does waits for what it did before. */
  #tails = new Map<ChurnClient, Promise<void>>();
  #doing = 0;
  #peakRss = 0;
  #heads = new Map<string, number>();
  #beat: NodeJS.Timeout;

  constructor(options: CrowdOptions) {
    const { stack, seed, universe, times } = options;
    this.#options = options;
    this.#rows = new RowBook(times[0]?.startMs ?? 0);
    const { key } = stack;
    this.#shared = {
      rows: this.#rows,
      reader: new FrameReader(this.#rows),
      tally: new ResumeTally(),
      symbolGroups: options.symbolGroups,
      serviceUrl: () => stack.serviceUrl(),
      key,
      drops: { closed: 0, cut: 0, others: new Map() },
      inTurn: turnsOf(MAX_HANDOFFS),
      hasLeftLog: (token) => untilAnswered(() => hasLeftLog(stack.serviceUrl(), key, token)),
    };
    this.#clients = Array.from(
      { length: options.clients },
      (_, index) =>
        new ChurnClient(`churned ${index}`, wantOf(seed, index, universe), this.#shared),
    );
    this.#plan = this.#clients
      .flatMap((client, index) => {
        const who = { seed, index, isHeavy: isHeavy(index), mayChange: client.want.bars !== "*" };
        return times.flatMap((span, at) =>
          planChurn({ ...who, seed: seed + at }, span).map((event) => ({ event, client })),
        );
      })
      .toSorted((a, b) => a.event.atMs - b.event.atMs);
    this.#beat = setInterval(() => this.#beatAll(), BEAT_EVERY_MS);
    this.#beat.unref();
  }

  /** All come, some at a time; resolves when they are in. */
  async connect(): Promise<void> {
    for (let at = 0; at < this.#clients.length; at += COME_AT_ONCE) {
      for (const client of this.#clients.slice(at, at + COME_AT_ONCE)) client.come();
      await this.#until(0, CATCH_UP_MS);
    }
  }

  /** All leave for the night. */
  async leave(): Promise<void> {
    for (const client of this.#clients) client.leave("close");
    await this.#until(0, CATCH_UP_MS);
  }

  /** Begins what is due by now, and waits while too many are under way. */
  async at(nowMs: EpochMs): Promise<void> {
    for (;;) {
      const due = this.#plan[this.#next];
      if (due === undefined || due.event.atMs > nowMs) break;
      this.#next += 1;
      this.#do(due.client, due.event);
    }
    this.#peakRss = Math.max(this.#peakRss, process.memoryUsage.rss());
    await this.#until(Math.max(MIN_UNDER_WAY, this.#clients.length * UNDER_WAY_PART), WAIT_MS);
  }

  /** All come back, and get what Postgres has; what has not come by then is lost. */
  async catchUp(): Promise<void> {
    const deadline = performance.now() + CATCH_UP_MS;
    while (this.#doing > 0 && performance.now() < deadline) await delay(POLL_MS);
    for (const client of this.#clients) client.come();
    this.#heads = await readHeads(this.#options.stack);
    const isThere = () =>
      this.#shared.tally.uncounted === 0 &&
      this.#clients.every((client) => client.isSettled && this.#behind(client) === 0);
    while (!isThere() && performance.now() < deadline) await delay(POLL_MS);
    const late = this.#clients.filter((client) => !client.isSettled);
    if (late.length > 0) this.#shared.tally.fault(`${late.length} clients did not get in`);
  }

  close(): void {
    clearInterval(this.#beat);
    for (const client of this.#clients) client.leave("close");
  }

  /** What was owed and what came, once all have caught up. */
  async result(): Promise<ChurnResult> {
    const { stack, symbolGroups, seed, times } = this.#options;
    const owed = await readOwed(stack.database, times[0]?.startMs ?? 0, this.#rows, symbolGroups);
    return churnResult({
      clients: this.#clients,
      owed,
      seed,
      shared: this.#shared,
      lostFlushes: this.#clients.reduce((sum, client) => sum + this.#behind(client), 0),
      restarts: times.reduce((sum, { restartsAtMs }) => sum + restartsAtMs.length, 0),
      peakRssMb: Math.round(this.#peakRss / 1_024 / 1_024),
    });
  }

  #do(client: ChurnClient, event: ChurnEvent): void {
    this.#doing += 1;
    const before = this.#tails.get(client) ?? Promise.resolve();
    const done = before.then(async () => {
      await delay(event.waitMs);
      if (event.kind === "come") client.come();
      else if (event.kind === "leave") client.leave(event.how);
      else client.change(changedWant(client.want, this.#options.universe, event.draw));
      this.#doing -= 1;
    });
    this.#tails.set(client, done);
  }

  /** Waits until at most so many clients are under way; not for ever: the run goes on and shows what is amiss. */
  async #until(most: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const underWay = () => this.#clients.filter((client) => !client.isSettled).length;
    while (underWay() > most && performance.now() < deadline) await delay(POLL_MS);
  }

  /** Flushes of the streams that a client follows that Postgres has and it has not. */
  #behind(client: ChurnClient): number {
    let behind = 0;
    for (const [stream, { fs }] of client.book.positions)
      behind += Math.max(0, (this.#heads.get(stream) ?? 0) - fs);
    return behind;
  }

  #beatAll(): void {
    const nowMs = performance.now();
    for (const client of this.#clients) client.beat(nowMs);
  }
}

const headSchema = z.object({
  group: z.number(),
  class: z.enum(STREAM_CLASSES),
  fs: z.coerce.number(),
});

async function readHeads({ database }: LocalStack): Promise<Map<string, number>> {
  const rows = await database.query(`select "group", class, fs::text from group_cursor`);
  return new Map(rows.map((row) => headSchema.parse(row)).map((row) => [streamName(row), row.fs]));
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === ASK_TRIES) throw error;
      await delay(ASK_AGAIN_MS);
    }
  }
}
