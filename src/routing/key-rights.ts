import type { Capability, ProviderId } from "../domain/provider-id.ts";
import type { EpochMs } from "../domain/time.ts";
import type { PlanLimits } from "../providers/plan-limits.ts";
import {
  type Entitlement,
  type KeptEntitlement,
  type Right,
  rightOf,
  tryEntitlement,
} from "./entitlement.ts";
import { correctPlan, correctionAt, type PlanCorrection } from "./plan-correction.ts";

/** What is known of a key beyond what is configured. Durable in the provider's object. */
export interface KeyRights {
  readonly entitlements: Readonly<Partial<Record<Capability, KeptEntitlement>>>;
  readonly correction: PlanCorrection | null;
}

/** The key that is configured now, and the delay of its plan. */
export interface ConfiguredKey {
  readonly provider: ProviderId;
  readonly account: number;
  readonly delayMs: PlanLimits["delayMs"];
}

/** How a key stands for a capability at `nowMs`. */
export function keyStanding(
  rights: KeyRights,
  capability: Capability,
  { account }: ConfiguredKey,
  nowMs: EpochMs,
): { readonly right: Right; readonly correction: PlanCorrection | null } {
  return {
    right: rightOf(rights.entitlements[capability], account, nowMs),
    correction: capability === "bars_1m" ? correctionAt(rights.correction, account, nowMs) : null,
  };
}

/**
 * Takes in what a job's answer showed. A refusal that only says that the minutes come later corrects
 * the plan's row, and the provider is asked on, later; any other one holds the capability back.
 */
export function learnEntitlement(
  rights: KeyRights,
  capability: Capability,
  entitlement: Entitlement,
  { provider, account, delayMs }: ConfiguredKey,
): KeyRights {
  const held = correctionAt(rights.correction, account, entitlement.atMs);
  const input = { provider, capability, entitlement, delayMs, account, held };
  const correction = correctPlan(input);
  const known = correction === null ? entitlement : { ...entitlement, state: "delayed" as const };
  return {
    entitlements: {
      ...rights.entitlements,
      [capability]: { ...known, account, triedAtMs: null },
    },
    correction: correction ?? rights.correction,
  };
}

/** Lets one job try a key that was refused; null when the others wait for another's try. */
export function tryKey(
  rights: KeyRights,
  capability: Capability,
  { account }: ConfiguredKey,
  nowMs: EpochMs,
): KeyRights | null {
  const kept = rights.entitlements[capability];
  const right = rightOf(kept, account, nowMs);
  if (right === "refused") return null;
  if (kept === undefined || right === "granted") return rights;
  const tried = tryEntitlement(kept, account, nowMs);
  return { ...rights, entitlements: { ...rights.entitlements, [capability]: tried } };
}
