import { z } from "zod";
import { PROVIDER_IDS } from "../domain/provider-id.ts";
import { isCanonicalSymbol } from "../domain/symbol.ts";
import { isTradingDate } from "../domain/trading-date.ts";
import { auditDateSchema, auditGroupsSchema, auditSummarySchema } from "./audit.ts";
import { callSchema } from "./ingest.ts";

/** Trading dates that one task asks for at most: what is older comes in a task of its own. */
export const MAX_TASK_DATES = 25;

/** Underlyings whose options are read: each takes some ten calls, that of an index fund up to eighty. */
export const MAX_UNDERLYINGS = 50;

/** The text of a refusal, capped by the error, behind the provider's name. */
export const MAX_UNSERVED_TEXT = 400;

const base = { v: z.literal(1), duty: z.string().min(1).max(100) };

/**
 * Work for the whole service rather than for one symbol group. Group g00 plans it and runs it in an
 * invocation of its own; what it brings is scattered to the groups.
 */
export const taskSchema = z.discriminatedUnion("type", [
  /**
   * Read the providers' symbol lists and bring the universe up to date; scope `tiers` reads no list and
   * only places the tiers, if none was ever placed.
   */
  z
    .object({
      ...base,
      type: z.literal("universe"),
      scope: z.enum(["lists", "tiers"]).default("lists"),
    })
    .strict(),
  /** Fetch the daily bars of these trading dates for every active symbol. */
  z
    .object({
      ...base,
      type: z.literal("daily_bars"),
      dates: z
        .array(z.string().refine((text) => isTradingDate(text), "not a trading date"))
        .min(1)
        .max(MAX_TASK_DATES),
    })
    .strict(),
  /** Fetch the newest quotes of the T0 symbols, as of `due_ms`: when the next one is due, it is too late. */
  z.object({ ...base, type: z.literal("quotes"), due_ms: z.number().int().nonnegative() }).strict(),
  /** Compare the trading days ahead with what a provider says of them. */
  z.object({ ...base, type: z.literal("calendar_check") }).strict(),
  /** Hold what these groups believe of a session against Postgres, and ask again for what lacks there. */
  z
    .object({
      ...base,
      type: z.literal("audit"),
      date: auditDateSchema,
      groups: auditGroupsSchema,
    })
    .strict(),
  /** Make the partitions of the days to come, and drop what is older than what is kept. */
  z.object({ ...base, type: z.literal("retention") }).strict(),
  /** Read the splits that were announced or took place lately, and at first those of two years. */
  z.object({ ...base, type: z.literal("splits") }).strict(),
  /** Work out the market's factors of this trading date, and again of those just before it. */
  z
    .object({
      ...base,
      type: z.literal("macro"),
      date: z.string().refine((text) => isTradingDate(text), "not a trading date"),
    })
    .strict(),
  /** Read the option chains of these underlyings after the close of a trading date. */
  z
    .object({
      ...base,
      type: z.literal("options"),
      date: z.string().refine((text) => isTradingDate(text), "not a trading date"),
      underlyings: z.array(z.string().refine(isCanonicalSymbol)).min(1).max(MAX_UNDERLYINGS),
    })
    .strict(),
  /** A round with the rate-limit coordinator between two cron ticks. */
  z.object({ ...base, type: z.literal("rlc") }).strict(),
]);
export type Task = z.infer<typeof taskSchema>;
/** A task of one kind. */
export type TaskOf<T extends Task["type"]> = Extract<Task, { type: T }>;

/** How a task ended; one that is not `done` is tried again. */
export const taskOutcomeSchema = z.object({
  calls: z.array(callSchema),
  selected: z.array(z.enum(PROVIDER_IDS)),
  failures: z.array(
    z.object({ provider: z.enum(PROVIDER_IDS), kind: z.string(), message: z.string() }),
  ),
  done: z.boolean(),
  /** Rows that were refused, by reason. */
  refused: z.record(z.string(), z.number()).optional(),
  /** Of a task over trading dates: those that need not be asked for again. */
  answered_dates: z.array(z.string()).max(MAX_TASK_DATES).optional(),
  /** Of the retention: tables of a day that were dropped. */
  dropped: z.object({ bars: z.number().int(), quotes: z.number().int() }).optional(),
  /**
   * Of a task that a key may not be entitled to: why nothing configured serves it, null when something
   * does. Absent: nothing was found out.
   */
  unserved: z.string().max(MAX_UNSERVED_TEXT).nullable().optional(),
  /** Of a task over underlyings: those that need not be asked for again. */
  answered_underlyings: z.array(z.string()).max(MAX_UNDERLYINGS).optional(),
  /** Of an audit: what it found. */
  audit: auditSummarySchema.optional(),
  /** The version of the configuration that it was run by. */
  config_version: z.number().int().optional(),
});
export type TaskOutcome = z.infer<typeof taskOutcomeSchema>;
