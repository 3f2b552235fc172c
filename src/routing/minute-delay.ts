import { HOUR_MS } from "../domain/time.ts";
import type { Settings } from "../env.ts";
import { policyProviders } from "../providers/registry.ts";
import { planFacts } from "./provider-facts.ts";

/** How late the 1-minute bars of a deployment are, by the plans of its keys. */
export interface MinuteDelay {
  /** What "is it late?" adds to its bound, ms. */
  readonly planDelayMs: number;
  /** False when no plan serves a minute of the current trading date: there is nothing to poll for. */
  readonly polled: boolean;
}

/**
 * From the end of a minute until an `end_of_day` plan serves it: 09:30 is asked for after midnight, the
 * last minute before the next open.
 */
const END_OF_DAY_MS = 15 * HOUR_MS;

/** The shortest delay of the policy's plans: whoever is later is asked for what it can answer. */
export function minuteDelay(settings: Settings): MinuteDelay {
  const delays = policyProviders(settings, "bars_1m").map(
    ({ id }) => planFacts(id, settings)?.delayMs ?? "end_of_day",
  );
  const late = delays.filter((delayMs) => delayMs !== "end_of_day");
  if (late.length > 0) return { planDelayMs: Math.min(...late), polled: true };
  return delays.length > 0
    ? { planDelayMs: END_OF_DAY_MS, polled: false }
    : { planDelayMs: 0, polled: false };
}
