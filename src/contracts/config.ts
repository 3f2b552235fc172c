import { z } from "zod";
import { RETURN_PROBES } from "../domain/breaker.ts";
import { findOverrideFaults, MAX_CALENDAR_OVERRIDES } from "../domain/calendar-override.ts";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { DEFAULT_TIER_PLACES, type TierPlaces } from "../domain/tier-places.ts";
import { jobPrioritySchema } from "./job-fields.ts";

/** Each of them reports its metrics, and the hub keeps a thousand reporters. */
const MAX_EXTRA_HOSTS = 64;

const providerSchema = z.enum(PROVIDER_IDS);
const policySchema = z
  .array(providerSchema)
  .min(1, "a policy names at least one provider")
  .refine((names) => new Set(names).size === names.length, "a provider stands twice in a policy");
const dateSchema = z.iso.date();
const positiveSeconds = z.number().positive().max(86_400);
const share = z.number().min(0).max(1);

const policies = z
  .object({
    bars_1m: policySchema.default(["polygon", "alpaca", "finnhub"]),
    bars_1d: policySchema.default(["polygon", "alpaca"]),
    quotes_l1: policySchema.default(["polygon", "iex"]),
  })
  .strict();

const breaker = z
  .object({
    demote: share.default(0.55),
    promote: share.default(0.7),
    cooldown_s: positiveSeconds.default(30),
    max_cooldown_s: positiveSeconds.default(600),
    window_calls: z.number().int().min(1).max(1_000).default(20),
    window_s: positiveSeconds.default(600),
    min_calls: z.number().int().min(1).max(1_000).default(5),
    run_of_failures: z.number().int().min(1).max(1_000).default(5),
  })
  .strict()
  .refine((value) => value.demote < value.promote, {
    message: "must be below promote",
    path: ["demote"],
  })
  // A window cut shorter could never open the breaker, or never gather the probes that close it.
  .refine((value) => value.window_calls >= Math.max(RETURN_PROBES, value.min_calls), {
    message: `must be at least min_calls and ${RETURN_PROBES}`,
    path: ["window_calls"],
  })
  .refine((value) => value.run_of_failures >= Math.max(RETURN_PROBES, value.min_calls), {
    message: `must be at least min_calls and ${RETURN_PROBES}`,
    path: ["run_of_failures"],
  });

const cap = z.number().int().min(1).max(100_000);

const backfill = z
  .object({
    /** Holes that the queue of a tier holds at most; what is beyond waits in its group. */
    cap: z
      .object({ T0: cap.default(5_000), T1: cap.default(10_000), T2: cap.default(20_000) })
      .strict()
      .prefault({}),
    /** Answers that did not do, until a hole is given up as a dead letter. */
    attempts: z.number().int().min(1).max(20).default(5),
    /** Back-off after a failed attempt: full jitter up to `backoff_s * 2^attempts`, at most the maximum. */
    backoff_s: positiveSeconds.default(15),
    max_backoff_s: positiveSeconds.default(900),
    lease_s: positiveSeconds.default(120),
    /** A dead letter that Postgres has not confirmed for this long is sent again. */
    dlq_resend_s: positiveSeconds.default(300),
    /** How far back an operator may ask for bars. */
    depth_days: z.number().int().min(1).max(730).default(730),
  })
  .strict();

const slo = z
  .object({
    sample: z.number().int().min(1).max(2_000).default(200),
    every_s: z.number().int().min(5).max(3_600).default(30),
    /** Share of a tier's symbols that may violate, by tier. */
    targets: z
      .object({ T0: share.default(0.005), T1: share.default(0.02), T2: share.default(0.05) })
      .strict()
      .prefault({}),
  })
  .strict();

const stream = z
  .object({
    /** Host-only instances of each region, beside the groups: for connections that these can't hold. */
    extra_hosts: z.number().int().min(0).max(MAX_EXTRA_HOSTS).default(0),
  })
  .strict();

const tiers = z
  .object({
    /** Symbols by median dollar volume: the first so many are T0, the next so many T1, the rest T2. */
    size: z
      .object({
        T0: z.number().int().min(1).max(1_000).default(DEFAULT_TIER_PLACES.T0),
        T1: z.number().int().min(0).max(10_000).default(DEFAULT_TIER_PLACES.T1),
      })
      .strict()
      .prefault({}),
    /** A symbol moves only when its rank is beyond the border of its tier by this share of it. */
    border_share: z.number().min(0).max(0.5).default(DEFAULT_TIER_PLACES.borderShare),
  })
  .strict();

/** Of a tier's holes, 0 first; within a tier it goes before age. */
const jobPriority = z
  .object({
    T0: jobPrioritySchema.default(0),
    T1: jobPrioritySchema.default(1),
    T2: jobPrioritySchema.default(2),
  })
  .strict();

const keptDays = z.number().int().max(3_660);

const pollOffsets = z
  .object({
    alpaca: positiveSeconds.default(3),
    polygon: positiveSeconds.default(5),
    iex: positiveSeconds.default(3),
    finnhub: positiveSeconds.default(25),
  })
  .strict();

/** An ad-hoc closure or early close: announced tomorrow, it needs no deploy. */
export const calendarOverrideSchema = z.union([
  z.object({ date: dateSchema, closed: z.literal(true) }).strict(),
  z
    .object({ date: dateSchema, close: z.string().regex(/^\d{2}:\d{2}$/, "HH:MM in New York") })
    .strict(),
]);

/** The form of the configuration that this code writes; older ones are lifted to it (`src/config/lift-config.ts`). */
export const CONFIG_SCHEMA_VERSION = 1;

/**
 * Everything that can be changed while the service runs. Unknown keys are errors. Units stand in the
 * names: `_s` seconds, `_ms` milliseconds. The defaults are the contract's table.
 */
export const serviceConfigSchema = z
  .object({
    schema_version: z.literal(CONFIG_SCHEMA_VERSION).default(CONFIG_SCHEMA_VERSION),
    policies: policies.prefault({}),
    breaker: breaker.prefault({}),
    latency_cap_ms: z.number().positive().max(60_000).default(500),
    timeout_ms: z.number().int().min(100).max(60_000).default(5_000),
    poll_offset_s: pollOffsets.prefault({}),
    /** How often quotes of T0 are asked for: a part of a minute, or whole minutes. */
    quote_every_s: z
      .number()
      .int()
      .min(5)
      .max(3_600)
      .refine((seconds) => 60 % seconds === 0 || seconds % 60 === 0, {
        message: "must divide a minute or be whole minutes",
      })
      .default(15),
    settle_delay_s: z.number().int().min(0).max(3_600).default(90),
    tiers: tiers.prefault({}),
    job_priority: jobPriority.prefault({}),
    overlap_minutes: z
      .object({
        short: z.number().int().min(1).max(60).default(3),
        long: z.number().int().min(1).max(120).default(21),
      })
      .strict()
      .prefault({}),
    cold_start_sessions: z
      .object({
        "1m": z.number().int().min(0).max(5).default(5),
        "1d": z.number().int().min(0).max(5_000).default(250),
      })
      .strict()
      .prefault({}),
    backfill: backfill.prefault({}),
    slo: slo.prefault({}),
    stream: stream.prefault({}),
    /** Trading dates that are kept, counted in days back from today in New York; what is older is dropped. */
    retention_days: z
      .object({ bars: keptDays.min(30).default(365), quotes: keptDays.min(1).default(14) })
      .strict()
      .prefault({}),
    sessions: z
      .array(z.enum(["pre", "regular", "post"]))
      .min(1)
      .default(["regular"]),
    calendar_overrides: z
      .array(calendarOverrideSchema)
      .max(MAX_CALENDAR_OVERRIDES)
      .superRefine((overrides, context) => {
        for (const { index, message } of findOverrideFaults(overrides)) {
          context.addIssue({ code: "custom", message, path: [index] });
        }
      })
      .default([]),
  })
  .strict();
export type ServiceConfig = z.infer<typeof serviceConfigSchema>;

/** How many symbols the tiers of a configuration take. */
export function tierPlacesOf({ tiers: { size, border_share } }: ServiceConfig): TierPlaces {
  return { ...size, borderShare: border_share };
}
