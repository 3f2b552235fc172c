import { groupName } from "../domain/symbol.ts";
import type { EpochMs } from "../domain/time.ts";
import { wallClock } from "../platform/clocks.ts";
import { errorText, log } from "../platform/log.ts";
import { maybeTrace } from "../platform/trace.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import { type GroupCursor, readCursors } from "../postgres/cursor-store.ts";
import type { SqlClient } from "../postgres/sql-client.ts";

/** A group's answer is used again for this long. */
const CACHE_TTL_MS = 1_000;
const MAX_CACHED_GROUPS = 1_024;

const cache = new Map<number, { atMs: number; horizon: EpochMs | null }>();

/**
 * The knowledge time up to which reads of these groups are repeatable: the minimum of what each has
 * brought to Postgres. A group whose stored time is below `wantedMs` is asked; one that cannot be
 * reached counts with its stored time (without one nothing is repeatable), one without members does not
 * count. Never above `nowMs`. Without Postgres it is known only if some group says that it holds back flushes
 * below `wantedMs`; else it rejects.
 */
export async function horizonOf(
  groups: readonly number[],
  pinnedMs: EpochMs,
  nowMs: EpochMs,
  sql: SqlClient,
  env: Env,
): Promise<EpochMs> {
  const wantedMs = Math.min(pinnedMs, nowMs);
  let cursors: GroupCursor[];
  try {
    cursors = await readCursors(sql, groups);
  } catch (error) {
    const heldBackMs = await heldBack(groups, wantedMs, env);
    if (heldBackMs === null) throw error;
    return heldBackMs;
  }
  const stored = new Map(
    cursors
      .filter((cursor) => cursor.class === "bars")
      .map((cursor) => [cursor.group, cursor.asOfMs]),
  );
  const horizons = await Promise.all(
    groups.map(async (group) => {
      const known = stored.get(group) ?? null;
      if (known !== null && known >= wantedMs) return known;
      return askGroup(group, wantedMs, known, env);
    }),
  );
  return horizons.reduce<EpochMs>(
    (lowest, horizon) => (horizon === null ? lowest : Math.min(lowest, horizon)),
    wantedMs,
  );
}

/** The lowest horizon of groups that hold flushes for Postgres; null: none of them is below `wantedMs`. */
async function heldBack(
  groups: readonly number[],
  wantedMs: EpochMs,
  env: Env,
): Promise<EpochMs | null> {
  const answers = await Promise.allSettled(
    groups.map((group) => symbolGroupStub(env, group).horizon(wantedMs)),
  );
  const horizons = answers.flatMap((answer) =>
    answer.status === "fulfilled" && answer.value !== null ? [answer.value] : [],
  );
  const lowest = Math.min(...horizons);
  return lowest < wantedMs ? lowest : null;
}

async function askGroup(
  group: number,
  wantedMs: EpochMs,
  stored: EpochMs | null,
  env: Env,
): Promise<EpochMs | null> {
  const known = cache.get(group);
  const young = known !== undefined && wallClock.now() - known.atMs < CACHE_TTL_MS;
  if (young && (known.horizon === null || known.horizon >= wantedMs)) return known.horizon;
  let horizon: EpochMs | null;
  try {
    const answer = await maybeTrace(`horizon of ${groupName(group)}`, async () =>
      symbolGroupStub(env, group).horizon(wantedMs),
    );
    horizon = answer === null ? stored : Math.max(answer, stored ?? 0);
  } catch (error) {
    // Whether one that Postgres knows nothing of holds flushes for it can't be said: nothing is promised.
    horizon = stored ?? 0;
    log("warn", "a group did not say its horizon", {
      group: groupName(group),
      error: errorText(error),
    });
  }
  if (cache.size >= MAX_CACHED_GROUPS) cache.clear();
  cache.set(group, { atMs: wallClock.now(), horizon });
  return horizon;
}
