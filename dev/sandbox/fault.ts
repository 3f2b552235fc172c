import { z } from "zod";
import { SANDBOX_ENDPOINTS, SANDBOX_PROVIDERS } from "./endpoint.ts";

/**
 * Answers that never look at the request:
 * - `down`: 503 with a JSON error; `server_error`: 500 with one; `html_502`: a gateway's page
 * - `rate_limited`: 429 with the provider's own body and headers; `rate_limited_bare`: with neither
 * - `unauthorized`: 401; `not_entitled`: 403 as for a plan that lacks the endpoint
 * - `not_json`: 200 with a page
 */
const REFUSAL_FAULTS = [
  "down",
  "server_error",
  "html_502",
  "rate_limited",
  "rate_limited_bare",
  "unauthorized",
  "not_entitled",
  "not_json",
] as const;

/**
 * No answer: `hang` keeps the connection until the caller gives up, `mute` closes it when the fault ends
 * (a scheduled one: at the first request after its end).
 */
const SILENT_FAULTS = ["hang", "mute"] as const;

/**
 * A good answer, spoiled. What an endpoint can't have (a cursor, a date) is left as it is.
 * - `bad_schema`: text where numbers belong and numbers where text belongs
 * - `empty_200`: well-formed and without a row, which is the hardest to tell from the truth
 * - `truncated_page`: the body ends in the middle, cursor and all
 * - `short_page`: well-formed, but the later half of the rows and the cursor are missing
 * - `repeated_cursor`: the next page is this page, for ever
 * - `foreign_dates`: bars of a week before among those asked for, at other prices; quotes four months old
 * - `foreign_symbols`: rows of a symbol that nobody asked for, or another symbol's answer
 * - `duplicate_rows`: every row twice
 * - `zero_filled`: all numbers 0
 */
const SPOILING_FAULTS = [
  "bad_schema",
  "empty_200",
  "truncated_page",
  "short_page",
  "repeated_cursor",
  "foreign_dates",
  "foreign_symbols",
  "duplicate_rows",
  "zero_filled",
] as const;

const refusalSchema = z.enum(REFUSAL_FAULTS);
const silentSchema = z.enum(SILENT_FAULTS);
const spoilingSchema = z.enum(SPOILING_FAULTS);
export type RefusalFault = z.infer<typeof refusalSchema>;
export type SilentFault = z.infer<typeof silentSchema>;
export type SpoilingFault = z.infer<typeof spoilingSchema>;

/** Ways in which a provider can be made sick, by name; `latency` is a good answer that comes late. */
export const faultSchema = z.enum([
  ...REFUSAL_FAULTS,
  ...SILENT_FAULTS,
  ...SPOILING_FAULTS,
  "latency",
]);
export type Fault = z.infer<typeof faultSchema>;

/** Longer than any caller waits. */
const MAX_LATENCY_MS = 60_000;
export const DEFAULT_LATENCY_MS = 2_000;

const scopeFields = {
  /** Only this endpoint; absent: all of the provider. */
  endpoint: z.enum(SANDBOX_ENDPOINTS).optional(),
  /** Of `latency`, in milliseconds of the wall clock; the default is 2,000. */
  delayMs: z.number().int().min(1).max(MAX_LATENCY_MS).optional(),
};
const scopeSchema = z.strictObject(scopeFields);
/** Which calls a fault is for, and how late they are. */
export type FaultScope = z.infer<typeof scopeSchema>;

/** What the admin endpoint takes. A fault of null heals. */
export const faultCommandSchema = z.strictObject({
  provider: z.enum(SANDBOX_PROVIDERS),
  fault: faultSchema.nullable(),
  ...scopeFields,
});

const MAX_SCHEDULED_FAULTS = 1_000;

const scheduledFaultSchema = z
  .strictObject({
    provider: z.enum(SANDBOX_PROVIDERS),
    fault: faultSchema,
    ...scopeFields,
    /** Half-open, milliseconds of market time since the schedule's origin. */
    fromMs: z.number().int(),
    toMs: z.number().int(),
  })
  .refine(({ fromMs, toMs }) => fromMs < toMs, { message: "toMs must be after fromMs" });
/** A fault that holds for a span of market time. */
export type ScheduledFault = z.infer<typeof scheduledFaultSchema>;

/** A file of faults: a list, at any moment several may hold. The first in it that spoils wins. */
export const faultScheduleSchema = z.array(scheduledFaultSchema).max(MAX_SCHEDULED_FAULTS);

/** Whether the fault is answered without looking at the request. */
export function isRefusal(fault: Fault): fault is RefusalFault {
  return refusalSchema.safeParse(fault).success;
}

/** Whether the fault is never answered. */
export function isSilent(fault: Fault): fault is SilentFault {
  return silentSchema.safeParse(fault).success;
}
