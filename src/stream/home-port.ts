import type { LoggedFlush } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import type { RosterEntry } from "./subscription.ts";

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

/** What a host asks of the home of a stream. */
export interface HomePort {
  /** Follows the stream from its head; the host says what it knows of the home's members. */
  follow(host: string, known: KnownRoster): Promise<FollowAnswer>;
  /** Flushes after `fs`, about `maxBytes` of them. */
  readLog(afterFs: number, maxBytes: number): Promise<LogSlice>;
}
