import type { SqlStorage } from "@cloudflare/workers-types";
import type { StreamClass } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import { DAY_MS, floorToMinute, MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import type { LogSlice } from "../stream/home-port.ts";
import type { DrainDeps } from "./drain.ts";
import { type DrainNote, DrainNotes } from "./drain-notes.ts";
import { Drainer } from "./drainer.ts";
import type { DutyStore } from "./duty-store.ts";
import type { Delivery } from "../stream/delivery.ts";
import { Followers, type FollowersDeps, type FollowerTable } from "./followers.ts";
import type { StoredPosition } from "./realign.ts";
import type { StreamLog } from "./stream-log.ts";

const FOLLOW_RETRY_MS = 5_000;
/** One read of the log takes at most so many flushes. */
const MAX_SLICE_FLUSHES = 1_000;

/** Duties and tables of each stream; those of bars are the older ones and have no suffix. */
const NAMES: Readonly<
  Record<StreamClass, { drain: string; follow: string; table: FollowerTable }>
> = {
  bars: { drain: "drain", follow: "follow", table: "follower" },
  quotes: { drain: "drain:quotes", follow: "follow:quotes", table: "quote_follower" },
};

/** What a stream needs to reach its followers and Postgres. */
export interface StreamOutletDeps {
  readonly sql: SqlStorage;
  readonly name: string;
  readonly group: number;
  readonly stream: StreamLog;
  readonly roster: () => Delivery["roster"];
  readonly duties: DutyStore;
  readonly totals: MetricTotals;
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly random: () => number;
  readonly drain: Pick<DrainDeps, "write" | "tryOut" | "stored" | "classify">;
  /** Begins a new epoch of the stream, later than what Postgres knows. */
  readonly renew: (stored: StoredPosition | null) => Promise<void>;
  readonly deliver: FollowersDeps["deliver"];
  readonly track: (work: Promise<void>) => void;
  readonly complain: (message: string, error: unknown) => void;
  /** Told when a drain has ended. */
  readonly onDrained: () => Promise<void>;
}

/** The way out of one stream: its log goes to the followers and to Postgres, each at its own pace. */
export class StreamOutlet {
  readonly stream: StreamLog;
  #deps: StreamOutletDeps;
  #followers: Followers;
  #drainer: Drainer;
  #notes: DrainNotes;

  constructor(deps: StreamOutletDeps) {
    const { stream, duties, market, group } = deps;
    this.stream = stream;
    this.#deps = deps;
    this.#notes = new DrainNotes(stream.meta);
    this.#drainer = new Drainer({
      ...deps,
      ...deps.drain,
      duty: NAMES[stream.class].drain,
      notes: this.#notes,
      renew: async (stored) => {
        await deps.renew(stored);
        this.#followers.restart();
        deps.track(this.#followers.pump());
      },
    });
    this.#followers = new Followers({
      sql: deps.sql,
      table: NAMES[stream.class].table,
      now: () => market.now(),
      read: (fs, limit, bytes) => stream.log.readAfter(fs, limit, bytes),
      stream: () => ({
        home: group,
        class: stream.class,
        epoch: stream.epoch(),
        roster: deps.roster(),
      }),
      deliver: deps.deliver,
      onFailure: (host, error) => {
        deps.complain(`follower ${host} was not reached`, error);
        duties.reschedule(NAMES[stream.class].follow, market.now() + FOLLOW_RETRY_MS);
      },
    });
  }

  /** Adds a follower at the head of the stream, or renews the lease of one that is here. */
  follow(host: string): { epoch: string; headFs: number; headAt: EpochMs; oldestFs: number } {
    const head = this.stream.head();
    this.#followers.follow(host, head.fs);
    return {
      epoch: this.stream.epoch(),
      headFs: head.fs,
      // Nothing was ever known of an empty stream: what comes is later than a moment ago.
      headAt: head.asOf || this.#deps.market.now() - 1,
      oldestFs: this.stream.log.oldest()?.fs ?? head.fs + 1,
    };
  }

  slice(afterFs: number, maxBytes: number): LogSlice {
    const flushes = this.stream.log.readAfter(afterFs, MAX_SLICE_FLUSHES, maxBytes);
    return { epoch: this.stream.epoch(), headFs: this.stream.head().fs, flushes };
  }

  /** Sends what was appended: bars to Postgres at once, quotes a minute of sweeps at a time. */
  publish(): void {
    const { track, duties, market } = this.#deps;
    track(this.#followers.pump());
    if (this.stream.class === "bars") this.#startDrain();
    else duties.plan(NAMES.quotes.drain, floorToMinute(market.now()) + MINUTE_MS);
  }

  /** Drains what no duty and no running drain would take. */
  drainIfForgotten(): void {
    if (this.#drainer.isIdleWithBacklog()) this.#startDrain();
  }

  /** Looks where Postgres stands, and sends again what it has lost. */
  compare(): void {
    this.#startDrain(true);
  }

  /** Acts on a duty if it is one of this stream's. */
  run(duty: string): void {
    const { drain, follow } = NAMES[this.stream.class];
    if (duty === drain) this.#startDrain();
    if (duty === follow) this.#deps.track(this.#followers.pump());
  }

  /** Why the drain is stuck; null when it is not. */
  drainFault(): string | null {
    return this.stream.meta.get("drain_fault") || null;
  }

  /** What an operator has to know of the last day's drains. */
  drainNotes(): DrainNote[] {
    return this.#notes.since(this.#deps.market.now() - DAY_MS);
  }

  #startDrain(isInDoubt = false): void {
    const work = this.#drainer.start(isInDoubt);
    if (work !== null) this.#deps.track(work.then(() => this.#deps.onDrained()));
  }
}
