import type { LoggedFlush, StreamClass } from "../contracts/flush.ts";
import type { QuoteRow } from "../contracts/quote-row.ts";
import type { SourcedQuote } from "../domain/quote-check.ts";
import type { EpochMs } from "../domain/time.ts";
import type { RosterEntry } from "./subscription.ts";
import type { Position } from "./token.ts";

/** How many members of a home a host knows, from which life of the home. */
export interface KnownRoster {
  readonly epoch: string | null;
  readonly length: number;
}

/** Where a stream stands, and the members that the caller did not know yet. */
export interface FollowAnswer {
  readonly epoch: string;
  readonly headFs: number;
  readonly headAt: EpochMs;
  /** The oldest flush that can be replayed; `headFs + 1` when the log is empty. */
  readonly oldestFs: number;
  /** The life of the group that the members belong to: the epoch of its bars. */
  readonly rosterEpoch: string;
  /** The members from place `rosterFrom` on. */
  readonly roster: readonly RosterEntry[];
  readonly rosterFrom: number;
  /** When silence of the stream becomes a fault, market ms. */
  readonly nextMs: EpochMs;
}

/** A piece of a home's log. */
export interface LogSlice {
  readonly epoch: string;
  readonly headFs: number;
  readonly flushes: readonly LoggedFlush[];
}

/** The last quotes of a home, and the flush after which they are that. */
export interface QuoteSnapshot {
  readonly epoch: string;
  readonly fs: number;
  readonly at: EpochMs;
  /** As they stand for the market of now: what has become stale is null. */
  readonly quotes: readonly KnownQuote[];
}

/** The last quote of a symbol, and the knowledge time of the flush that brought it. */
export interface KnownQuote {
  readonly quote: SourcedQuote;
  readonly status: QuoteRow[14];
  readonly asOf: EpochMs;
}

/** The last bars of a home, and the flush after which they are that. */
export interface BarSnapshot {
  readonly epoch: string;
  readonly fs: number;
  readonly at: EpochMs;
  readonly minutes: readonly LatestBar[];
  readonly dates: readonly LatestBar[];
}

/** The last bar of a symbol: its values under `FLUSH_COLUMNS`. */
export interface LatestBar {
  readonly symbol: string;
  readonly values: readonly (string | number | null)[];
}

/** What a host asks of the home of a stream. */
export interface HomePort {
  /** Follows a stream from its head; the host says what it knows of the home's members. */
  follow(streamClass: StreamClass, host: string, known: KnownRoster): Promise<FollowAnswer>;
  /** Flushes of a stream after `fs`, about `maxBytes` of them. */
  readLog(streamClass: StreamClass, afterFs: number, maxBytes: number): Promise<LogSlice>;
  latestQuotes(): Promise<QuoteSnapshot>;
  /** The last bar of each member that the log has one of. */
  latestBars(): Promise<BarSnapshot>;
  /** The last flush of bars that was known at a time; null when what came next has left the log. */
  locate(asOf: EpochMs): Promise<Position | null>;
  /** The last flush of bars that is in Postgres, but none after `maxFs` while `epoch` goes on. */
  drainPoint(epoch: string, maxFs: number): Promise<Position>;
}
