import type { Tier } from "./tier.ts";
import { TIERS } from "./tier.ts";
import type { EpochMs } from "./time.ts";
import { MINUTE_MS } from "./time.ts";

/**
 * How often the 1-minute bars of a tier are polled, ms; null: never, the tier gets daily bars only.
 * The cadences are the release notes': T0 and T1 1-minute bars, T2 daily bars.
 */
const POLL_EVERY_MS: Readonly<Record<Tier, number | null>> = {
  T0: MINUTE_MS,
  T1: MINUTE_MS,
  T2: null,
};

/** The tiers whose 1-minute bars are polled at a cron tick. */
export function polledTiers(tickMs: EpochMs): Tier[] {
  return TIERS.filter((tier) => {
    const everyMs = POLL_EVERY_MS[tier];
    return everyMs !== null && tickMs % everyMs === 0;
  });
}

/** Whether the tier has 1-minute bars at all: its minutes are expected, polled and healed. */
export function hasMinuteBars(tier: Tier): boolean {
  return POLL_EVERY_MS[tier] !== null;
}
