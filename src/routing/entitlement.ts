import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { ProviderCall } from "../providers/provider.ts";
import { MAX_ERROR_TEXT, type ProviderError } from "../providers/provider-error.ts";

/**
 * What the last calls showed of a key's rights to a capability; `message` is the provider's refusal.
 * `delayed`: it answers, later than its plan says.
 */
export const entitlementSchema = z.object({
  state: z.enum(["granted", "delayed", "not_entitled", "unauthorized"]),
  message: z.string().max(MAX_ERROR_TEXT).nullable(),
  atMs: z.number(),
});
export type Entitlement = z.infer<typeof entitlementSchema>;

/** An entitlement as the provider's object keeps it. */
export const keptEntitlementSchema = entitlementSchema.extend({
  /** The `accountMark` under which it was learned; null of an earlier release. */
  account: z.number().nullable().default(null),
  /** When a job was last let through to find out whether a refusal still holds. */
  triedAtMs: z.number().nullable().default(null),
});
export type KeptEntitlement = z.infer<typeof keptEntitlementSchema>;

/**
 * What an answer showed: a refusal counts more than the calls that went well beside it, for somebody
 * must act on it. Null when no call says anything. Only calls count: what an adapter left out by the
 * plan that it was told of is no news. `isLate`: the answers are later than that plan.
 */
export function entitlementOf(
  calls: readonly Pick<ProviderCall, "code">[],
  failure: ProviderError | null,
  atMs: number,
  isLate = false,
): Entitlement | null {
  for (const state of ["unauthorized", "not_entitled"] as const) {
    if (!calls.some((call) => call.code === state)) continue;
    return { state, message: failure?.kind === state ? failure.message : null, atMs };
  }
  if (!calls.some((call) => call.code === "ok")) return null;
  if (isLate) return { state: "delayed", message: failure?.message ?? null, atMs };
  return { state: "granted", message: null, atMs };
}

/** How long a refusal keeps a provider from being chosen, market ms. */
export const REFUSAL_HOLDS_MS = {
  // A plan does not change by itself; a bought one is noticed within this time.
  not_entitled: 15 * MINUTE_MS,
  // An unknown key may be a passing fault of the provider's sign-in: one call a minute finds out.
  unauthorized: MINUTE_MS,
} as const;

/** Whether a provider may be chosen by its key's rights; `retry`: by one job, to find out. */
export type Right = "granted" | "refused" | "retry";

/**
 * What a kept entitlement means at `nowMs` for the account that is configured now. A refusal holds for
 * a while, or until key, host or plan change; then one job tries. It says nothing about health.
 */
export function rightOf(kept: KeptEntitlement | undefined, account: number, nowMs: EpochMs): Right {
  if (kept === undefined || kept.state === "granted" || kept.state === "delayed") return "granted";
  const sinceMs = Math.max(kept.atMs, kept.triedAtMs ?? 0);
  const holds = nowMs - sinceMs < REFUSAL_HOLDS_MS[kept.state];
  return kept.account === account && holds ? "refused" : "retry";
}

/** The entitlement after a job was let through to try: the others wait for what it brings. */
export function tryEntitlement(
  kept: KeptEntitlement,
  account: number,
  nowMs: EpochMs,
): KeptEntitlement {
  return { ...kept, account, triedAtMs: nowMs };
}
