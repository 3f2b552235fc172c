import type { Calendar, SessionKind } from "../domain/calendar.ts";
import type { Tier } from "../domain/tier.ts";

/**
 * What a group goes by, as the configuration and the plans have it. It changes while the group runs: its
 * parts are given a function that reads it, once in each act, and keep nothing of it.
 */
export interface GroupRules {
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly settleDelayMs: number;
  /** How long after the end of a minute its flush may be expected at the latest, ms. */
  readonly nextDelayMs: number;
  readonly pollOffsetMs: number;
  readonly planDelayMs: number;
  /** False when no plan serves a minute of the current trading date: there is nothing to poll for. */
  readonly polled: boolean;
  readonly overlapMinutes: { readonly short: number; readonly long: number };
  /** Of one call to a provider. */
  readonly timeoutMs: number;
  /** Closed sessions whose minutes and whose daily bars a new deployment fetches. */
  readonly coldStartSessions: { readonly "1m": number; readonly "1d": number };
  /** How soon the holes of a tier are wanted, 0 first. */
  readonly jobPriority: Readonly<Record<Tier, number>>;
}
