import { z } from "zod";
import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import { HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import { ALPACA_PLANS } from "../providers/alpaca/limits.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import { POLYGON_DELAY_MS } from "../providers/polygon/limits.ts";
import { MAX_ERROR_TEXT } from "../providers/provider-error.ts";
import type { Entitlement } from "./entitlement.ts";

/** That a key is later than the configured plan says, as its answers showed. */
export const planCorrectionSchema = z.object({
  delayMs: z.union([z.number(), z.literal("end_of_day")]),
  /** What the provider said. */
  message: z.string().max(MAX_ERROR_TEXT).nullable(),
  atMs: z.number(),
  /** The `accountMark` under which it was learned. */
  account: z.number(),
});
export type PlanCorrection = z.infer<typeof planCorrectionSchema>;

/**
 * A correction is believed this long, market ms: then the plan's own delay is asked for again, so that
 * a plan that was bought is used. What is refused then costs one call a group.
 */
const BELIEVED_MS = HOUR_MS;

/** Refusals of calls that were under way when the row was corrected arrive within this time. */
const SAME_REFUSAL_MS = MINUTE_MS;

/** The correction that holds at `nowMs` for the configured account, or null. */
export function correctionAt(
  kept: PlanCorrection | null,
  account: number,
  nowMs: EpochMs,
): PlanCorrection | null {
  const holds = kept?.account === account && nowMs - kept.atMs < BELIEVED_MS;
  return holds ? kept : null;
}

/** What an entitlement says of the plan's row; `delayMs` is the delay by which the calls were made. */
export interface CorrectionInput {
  readonly provider: ProviderId;
  readonly capability: Capability;
  readonly entitlement: Entitlement;
  readonly delayMs: PlanLimits["delayMs"];
  readonly account: number;
  /** The correction that holds already. */
  readonly held: PlanCorrection | null;
}

/**
 * The plan's row as a refusal of minutes corrects it, or null when it says nothing of the row: then a
 * refusal is about the capability as a whole. Alpaca refuses the last minutes of sip to a basic key; a
 * delayed key of Polygon answers `DELAYED`, and a basic one refuses today.
 */
export function correctPlan(input: CorrectionInput): PlanCorrection | null {
  const { provider, capability, entitlement, delayMs, account, held } = input;
  const { state, message, atMs } = entitlement;
  if (capability !== "bars_1m" || state === "granted" || state === "unauthorized") return null;
  if (held !== null && atMs - held.atMs < SAME_REFUSAL_MS) return held;
  const next = nextDelay(provider, state, held?.delayMs ?? delayMs);
  return next === null ? null : { delayMs: next, message, atMs, account };
}

function nextDelay(
  provider: ProviderId,
  state: "delayed" | "not_entitled",
  delayMs: PlanLimits["delayMs"],
): PlanLimits["delayMs"] | null {
  if (provider === "alpaca" && state === "not_entitled")
    return delayMs === 0 ? ALPACA_PLANS.basic.delayMs.sip : null;
  if (provider !== "polygon") return null;
  if (state === "delayed") return delayMs === 0 ? POLYGON_DELAY_MS : null;
  return delayMs === "end_of_day" ? null : "end_of_day";
}
