import type { LoggedFlush } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import type { RosterEntry } from "./subscription.ts";

/** Where a stream stands, and the members that the caller did not know yet. */
export interface FollowAnswer {
  readonly epoch: string;
  readonly headFs: number;
  readonly headAt: EpochMs;
  /** The oldest flush that can be replayed; `headFs + 1` when the log is empty. */
  readonly oldestFs: number;
  readonly roster: readonly RosterEntry[];
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
  /** Follows the stream from its head; `knownRoster` members are already known to the host. */
  follow(host: string, knownRoster: number): Promise<FollowAnswer>;
  /** Flushes after `fs`, about `maxBytes` of them. */
  readLog(afterFs: number, maxBytes: number): Promise<LogSlice>;
}
