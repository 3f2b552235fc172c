import { z } from "zod";
import { CAPABILITIES } from "../domain/provider-id.ts";
import { keptEntitlementSchema } from "./entitlement.ts";
import { MAX_REASON_TEXT } from "./isolation.ts";
import { planCorrectionSchema } from "./plan-correction.ts";

/** How a call ended, as it is stored and as it arrives by RPC. */
export const outcomeSchema = z.object({
  atMs: z.number(),
  ok: z.boolean(),
  limited: z.boolean().default(false),
  transport: z.boolean().optional(),
  durationMs: z.number(),
  asked: z.number(),
  answered: z.number(),
});

const openedSchema = z.object({
  atMs: z.number(),
  cooldownMs: z.number(),
  probes: z.number(),
  probedAtMs: z.number(),
});
const breakerSchema = z.object({
  opened: openedSchema.nullable(),
  isolated: z.boolean(),
  window: z.array(outcomeSchema),
});

/** Whether a person holds the provider's breakers open, as it is stored and as it arrives by RPC. */
export const isolationSchema = z.object({
  revision: z.number().int().nonnegative(),
  isolated: z
    .object({ sinceMs: z.number(), reason: z.string().max(MAX_REASON_TEXT).nullable() })
    .nullable(),
});

/** What a quota notice is, as it arrives by RPC. */
export const rateNoticeSchema = z.object({ remaining: z.number(), resetMs: z.number() });

/**
 * The hot state of ProviderBreaker as it lies in storage: written as one value. Every field that came
 * later has a default, so that what an earlier release wrote still loads.
 */
export const breakerStorageSchema = z.object({
  breakers: z.partialRecord(z.enum(CAPABILITIES), breakerSchema).default({}),
  credits: z
    .object({
      left: z.number(),
      atMs: z.number(),
      window: z.object({ left: z.number(), untilMs: z.number() }).nullable().default(null),
      minute: z.object({ startMs: z.number(), granted: z.number() }).nullable().default(null),
    })
    .nullable()
    .default(null),
  isolation: isolationSchema.default({ revision: 0, isolated: null }),
  entitlements: z.partialRecord(z.enum(CAPABILITIES), keptEntitlementSchema).default({}),
  correction: planCorrectionSchema.nullable().default(null),
});
export type BreakerStorage = z.infer<typeof breakerStorageSchema>;
