import type { Context } from "hono";
import { type EpochMs, toIso } from "../domain/time.ts";
import { marketClock } from "../platform/clocks.ts";
import type { SqlClient } from "../postgres/sql-client.ts";
import type { ApiEnv } from "./api-env.ts";
import { horizonOf } from "./horizon.ts";
import { problem } from "./problem.ts";

/** The knowledge time of a read, and up to when reads of its groups are repeatable. */
export interface KnownAt {
  readonly asOfMs: EpochMs;
  readonly horizonMs: EpochMs;
}

/**
 * The knowledge time that a read of some groups has: the one that is asked for, or the horizon. Or the 409
 * `not_yet_known`, with the horizon, when the one asked for is above it. `name` is the parameter that pins it.
 */
export async function knownAt(
  context: Context<ApiEnv>,
  sql: SqlClient,
  groups: readonly number[],
  pin: { readonly pinnedMs: EpochMs | undefined; readonly name: string },
): Promise<KnownAt | { readonly refused: Response }> {
  const nowMs = marketClock.now();
  const { pinnedMs, name } = pin;
  const horizonMs = await horizonOf(groups, pinnedMs ?? nowMs, nowMs, sql, context.env);
  if (pinnedMs !== undefined && pinnedMs > horizonMs)
    return { refused: notYetKnown(context, name, horizonMs) };
  return { asOfMs: pinnedMs ?? horizonMs, horizonMs };
}

/** The 409 for a knowledge time above the horizon. */
export function notYetKnown(context: Context<ApiEnv>, name: string, horizonMs: EpochMs): Response {
  return problem(context, 409, {
    code: "not_yet_known",
    detail: `${name} is above the horizon: what was known then is not complete yet`,
    extra: { horizon: toIso(horizonMs) },
  });
}
