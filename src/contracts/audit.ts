import { z } from "zod";
import {
  AUDIT_KINDS,
  type AuditBar,
  type AuditDifference,
  type AuditSum,
} from "../domain/audit.ts";
import { isTradingDate } from "../domain/trading-date.ts";
import { symbolRangeSchema } from "./backfill.ts";

/** Symbols whose bars are read or compared at once: 20 sessions of 960 minutes are 2 MB of rows. */
export const MAX_AUDIT_SYMBOLS = 20;
/** Minutes that one run mends in a group; the next run goes on. */
export const MAX_AUDIT_REPAIRS = 5_000;
/** Differences of a group that a report names. */
export const MAX_AUDIT_EXAMPLES = 20;
/** Symbol groups that one run takes. */
export const MAX_AUDIT_GROUPS = 64;
/** Runs that group g00 remembers. */
export const MAX_AUDIT_NOTES = 10;

const groupNumber = z.number().int().min(0).max(1_023);

export const auditDateSchema = z.string().refine((text) => isTradingDate(text), {
  message: "not a trading date (YYYY-MM-DD)",
});
export const auditGroupsSchema = z.array(groupNumber).min(1).max(MAX_AUDIT_GROUPS);

/** The minutes of a session, pre-market to post-market, `[startMs, endMs)`. */
export const auditWindowSchema = z
  .object({ startMs: z.number().int(), endMs: z.number().int() })
  .refine(({ startMs, endMs }) => endMs - startMs <= 86_400_000, "longer than a session");
export type AuditWindow = z.infer<typeof auditWindowSchema>;

const fingerprintSchema = z.tuple([z.number(), z.number()]).readonly();
const barSchema = z.object({
  ts: z.number(),
  revision: z.number(),
  fingerprint: fingerprintSchema,
}) satisfies z.ZodType<AuditBar>;

/** The sum of a symbol's believed bars from `sinceMs` on: before, it is owed none, and history may store some. */
const auditedSymbolSchema = z.object({
  symbol: z.string(),
  sinceMs: z.number(),
  bars: z.number(),
  checksum: fingerprintSchema,
}) satisfies z.ZodType<AuditSum>;
export type AuditedSymbol = z.infer<typeof auditedSymbolSchema>;

/**
 * What a group believes of a session: `position` names the flush behind which nothing had changed yet,
 * `open` its open holes. `undrained`: Postgres does not have all of it yet; `forgotten`: the session is
 * older than the beliefs.
 */
export const auditSumsSchema = z.discriminatedUnion("state", [
  z.object({ state: z.enum(["undrained", "forgotten"]) }),
  z.object({
    state: z.literal("ready"),
    position: z.string(),
    symbols: z.array(auditedSymbolSchema).readonly(),
    open: z.array(symbolRangeSchema).readonly(),
  }),
]);
export type AuditSums = z.infer<typeof auditSumsSchema>;

/** The believed bars of some symbols, minute by minute; `lost`: those known to be lacking in Postgres. */
export const auditMinutesSchema = z.object({
  position: z.string(),
  symbols: z
    .array(
      z.object({
        symbol: z.string(),
        bars: z.array(barSchema).readonly(),
        lost: z.array(z.number()).readonly(),
      }),
    )
    .readonly(),
});
export type AuditMinutes = z.infer<typeof auditMinutesSchema>;

/** What is to be asked again; done only while the group stands where the differences were found. */
export const auditRepairSchema = z.object({
  position: z.string().max(100),
  faults: z
    .array(
      z.object({
        symbol: z.string().min(1).max(20),
        kind: z.enum(AUDIT_KINDS),
        ts: z.number().int(),
        revision: z.number().int().nullable(),
      }),
    )
    .max(MAX_AUDIT_REPAIRS),
});
export type AuditRepair = z.infer<typeof auditRepairSchema>;

/** A difference of one symbol. */
export interface AuditFault extends AuditDifference {
  readonly symbol: string;
}

export const auditCountsSchema = z.object({
  missing_in_postgres: z.number().int(),
  differs: z.number().int(),
  revision: z.number().int(),
  unknown_to_group: z.number().int(),
  unknown_hole: z.number().int(),
} satisfies Record<(typeof AUDIT_KINDS)[number], z.ZodType>);

/**
 * What the audit of one group came to. `unavailable`: the group or Postgres did not answer.
 * `is_cut`: there was more to mend than one run does.
 */
export const groupAuditSchema = z.object({
  group: groupNumber,
  state: z.enum(["audited", "undrained", "forgotten", "unavailable"]),
  symbols: z.number().int(),
  bars_believed: z.number().int(),
  bars_stored: z.number().int(),
  differences: auditCountsSchema,
  examples: z
    .array(z.object({ kind: z.enum(AUDIT_KINDS), symbol: z.string(), ts: z.iso.datetime() }))
    .max(MAX_AUDIT_EXAMPLES),
  repaired: z.number().int(),
  is_cut: z.boolean(),
});
export type GroupAudit = z.infer<typeof groupAuditSchema>;

/** What the audit of a session came to; `left`: groups that could not be audited. */
export const auditSummarySchema = z.object({
  date: auditDateSchema,
  audited: z.number().int(),
  left: z.array(groupNumber).max(MAX_AUDIT_GROUPS),
  differences: auditCountsSchema,
  repaired: z.number().int(),
  cut: z.number().int(),
});
export type AuditSummary = z.infer<typeof auditSummarySchema>;

/** A run of group g00 as it is remembered. */
export const auditNoteSchema = auditSummarySchema.extend({ task: z.string(), at_ms: z.number() });
export type AuditNote = z.infer<typeof auditNoteSchema>;
