import type { EpochMs } from "../domain/time.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import { type BarsParameters, rangeOf } from "./bars-query.ts";
import { horizonOf } from "./horizon.ts";
import type { PageToken } from "./page-token.ts";

/** The times of a read: what is asked for, and what was known by when. */
export interface BarsTimes {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly asOfMs: EpochMs;
  /** `asOfMs`, or for assumed knowledge the time by which history counts that was stored later. */
  readonly storedByMs: EpochMs;
  readonly horizonMs: EpochMs;
  /** Whether nothing of these depends on when the read is made. */
  readonly isPinned: boolean;
}

/** Whom and what reading the horizon asks. */
export interface BarsTimesDeps {
  readonly groups: readonly number[];
  readonly sql: SqlClient;
  readonly env: Env;
  readonly nowMs: EpochMs;
}

/**
 * The times of a query or, when it continues one, those of its first page. A horizon alone is answered when it lies
 * below what is asked for: that is not known completely yet.
 * Assumed knowledge depends on what was loaded by now, so only its pages are pinned, not its first one.
 */
export async function timesOf(
  query: BarsParameters,
  page: PageToken | undefined,
  { groups, sql, env, nowMs }: BarsTimesDeps,
): Promise<BarsTimes | { readonly notYetKnown: EpochMs }> {
  const isAssumed = query.knowledge === "assumed";
  const pinnedMs = page?.asOfMs ?? query.as_of;
  const wantedMs = page?.storedByMs ?? (isAssumed ? nowMs : (pinnedMs ?? nowMs));
  const horizonMs = await horizonOf(groups, Math.max(wantedMs, pinnedMs ?? 0), nowMs, sql, env);
  const asOfMs = pinnedMs ?? horizonMs;
  if (Math.max(asOfMs, page?.storedByMs ?? 0) > horizonMs) return { notYetKnown: horizonMs };
  const hasRange = query.start !== undefined && (query.end !== undefined || query.symbols === "*");
  return {
    // Nothing here depends on the clock once as_of is pinned: the same URL answers the same for ever.
    ...(page === undefined ? rangeOf(query, asOfMs) : { startMs: page.startMs, endMs: page.endMs }),
    asOfMs,
    storedByMs: isAssumed ? (page?.storedByMs ?? horizonMs) : asOfMs,
    horizonMs,
    isPinned: page !== undefined || (query.as_of !== undefined && hasRange && !isAssumed),
  };
}
