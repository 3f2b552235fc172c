import { z } from "zod";
import type { ProviderCall } from "../providers/provider.ts";
import { MAX_ERROR_TEXT, type ProviderError } from "../providers/provider-error.ts";

/** What the last calls showed of a key's rights to a capability; `message` is the provider's refusal. */
export const entitlementSchema = z.object({
  state: z.enum(["granted", "not_entitled", "unauthorized"]),
  message: z.string().max(MAX_ERROR_TEXT).nullable(),
  atMs: z.number(),
});
export type Entitlement = z.infer<typeof entitlementSchema>;

/**
 * What an answer showed: a refusal counts more than the calls that went well beside it, for somebody
 * must act on it. Null when no call says anything. Only calls count: what an adapter left out by the
 * plan that it was told of is no news.
 */
export function entitlementOf(
  calls: readonly Pick<ProviderCall, "code">[],
  failure: ProviderError | null,
  atMs: number,
): Entitlement | null {
  for (const state of ["unauthorized", "not_entitled"] as const) {
    if (!calls.some((call) => call.code === state)) continue;
    return { state, message: failure?.kind === state ? failure.message : null, atMs };
  }
  if (!calls.some((call) => call.code === "ok")) return null;
  return { state: "granted", message: null, atMs };
}
