import type { Calendar } from "./calendar.ts";
import { type Tier, TIERS } from "./tier.ts";
import type { EpochMs } from "./time.ts";

/** The last of the priorities 0-9. */
const LOWEST_PRIORITY = 9;

/**
 * How soon a hole is wanted, 0 first: `first` (the tier's number unless told), and one later for each session that has begun
 * since. So what was missed today comes before what a new deployment has never seen, which is filled
 * backwards, session by session; within a priority the oldest minute comes first.
 */
export function holePriority(
  tier: Tier,
  startMs: EpochMs,
  nowMs: EpochMs,
  calendar: Calendar,
  first: number = TIERS.indexOf(tier),
): number {
  let priority = first;
  let { openMs } = calendar.previousSession(nowMs);
  for (; priority < LOWEST_PRIORITY && startMs < openMs; priority += 1)
    ({ openMs } = calendar.previousSession(openMs - 1));
  return priority;
}
