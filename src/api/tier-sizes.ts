import type { TierSizes } from "../domain/credit-reach.ts";
import { TIERS } from "../domain/tier.ts";
import type { Settings } from "../env.ts";
import { wallClock } from "../platform/clocks.ts";
import { symbolGroupStub } from "../platform/stubs.ts";
import type { GroupStatus } from "../symbol-group/group-status.ts";

/** Tiers change once a day: the groups are asked at most this often, wall ms. */
const SIZES_TTL_MS = 60_000;

let cached: { atMs: number; sizes: TierSizes } | null = null;

/** How many symbols are served in each tier; groups that don't answer are left out. */
export async function tierSizes(settings: Settings, env: Env): Promise<TierSizes> {
  const nowMs = wallClock.now();
  if (cached !== null && nowMs - cached.atMs <= SIZES_TTL_MS) return cached.sizes;
  const asked = await Promise.allSettled(
    Array.from({ length: settings.symbolGroups }, (_, group) =>
      symbolGroupStub(env, group).status(),
    ),
  );
  const statuses = asked.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const sizes = sumTiers(statuses);
  cached = { atMs: nowMs, sizes };
  return sizes;
}

/** The tiers of some groups together. */
export function sumTiers(statuses: readonly Pick<GroupStatus, "tiers">[]): TierSizes {
  const sizes = { T0: 0, T1: 0, T2: 0 };
  for (const { tiers } of statuses) {
    for (const tier of TIERS) sizes[tier] += tiers[tier];
  }
  return sizes;
}
