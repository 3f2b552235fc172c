import { z } from "zod";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { quoteRowSchema } from "./quote-row.ts";
import { rowsOf } from "./rows.ts";

/** Version of everything that is stored or sent in a flush; readers take this one and the one before. */
export const FLUSH_VERSION = 1;

/** A flush is cut at these bounds; the log keeps one row a flush and SQLite rows are limited to 2 MB. */
export const MAX_FLUSH_ROWS = 2_000;
export const MAX_FLUSH_BYTES = 512 * 1_024;

/** Column names of the first 13 places of a row, in wire order. */
export const FLUSH_COLUMNS = [
  "s",
  "t",
  "o",
  "h",
  "l",
  "c",
  "v",
  "n",
  "vw",
  "rev",
  "src",
  "feed",
  "st",
] as const;

/** The streams of a group: each has its own epoch, numbers and log. */
export const STREAM_CLASSES = ["bars", "quotes"] as const;
export type StreamClass = (typeof STREAM_CLASSES)[number];

export const sessionKindSchema = z.enum(["pre", "regular", "post"]);
export const barStatusSchema = z.enum(["first", "updated", "backfilled"]);
export const gapKindSchema = z.enum(["open", "filled", "dead", "unfillable"]);

/**
 * One bar belief of a minute or a day: symbol, ts (bar START, ms), open, high, low, close, volume (shares), trade count,
 * vwap, revision (0 = first), provider, feed, status; then what only storage needs: trading session
 * and asked_at (ms). The ts of a daily bar is 00:00 UTC of its trading date, its session regular.
 */
const flushRowSchema = z.tuple([
  z.string(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number().nullable(),
  z.number().nullable(),
  z.number().int(),
  z.enum(PROVIDER_IDS),
  z.enum(FEEDS),
  barStatusSchema,
  sessionKindSchema,
  z.number(),
]);
export type FlushRow = z.infer<typeof flushRowSchema>;

/** symbol, from (ms), to (ms, exclusive), kind, provider or null, href or null (history lane only). */
export const gapEventSchema = z.tuple([
  z.string(),
  z.number(),
  z.number(),
  gapKindSchema,
  z.string().nullable(),
  z.string().nullable(),
]);
export type GapEvent = z.infer<typeof gapEventSchema>;

/** policy, provider before, provider after, reason. */
export const sourceEventSchema = z.tuple([z.string(), z.string(), z.string(), z.string()]);
export type SourceEvent = z.infer<typeof sourceEventSchema>;

/**
 * State of each member at one minute: a character a slot of the group's roster (append-only, so a
 * longer roster reads an older entry). `b` bar, `n` no_trade, `p` pending, `m` missing,
 * `u` unfillable, `-` not expected.
 */
export const minuteStatesSchema = z.tuple([z.number(), z.string()]);
export type MinuteStates = z.infer<typeof minuteStatesSchema>;

/**
 * The unit of truth: what a symbol group appends to its log, sends, replays and commits to Postgres
 * in one statement. `(group, class, epoch, fs)` names it for ever.
 */
export const flushSchema = z.object({
  v: z.literal(FLUSH_VERSION),
  group: z.number().int(),
  class: z.enum(STREAM_CLASSES),
  epoch: z.string(),
  fs: z.number().int().positive(),
  /** Knowledge time of everything in it, ms; strictly increasing with fs. */
  as_of: z.number(),
  /** When the answer that it carries reached the service, ms of the wall clock; 0 when none did. */
  received_at: z.number(),
  rows: rowsOf(flushRowSchema),
  /** Daily bars; a flush holds minutes or days, never both. */
  daily: rowsOf(flushRowSchema).default([]),
  gaps: z.array(gapEventSchema),
  source: z.array(sourceEventSchema),
  man: z.array(minuteStatesSchema),
  /** Quotes of the stream of class `quotes`, at most one a symbol. */
  quotes: rowsOf(quoteRowSchema).default([]),
  /** Before this minute (ms, exclusive) the group is complete; null while it expects nothing. */
  watermark: z.number().nullable(),
  /** The same of daily bars: 00:00 UTC after the newest trading date answered; null before the first. */
  watermark_1d: z.number().nullable().default(null),
  /** When silence becomes a fault, ms of market time; null when nothing is due. */
  next: z.number().nullable(),
});
export type Flush = z.infer<typeof flushSchema>;

/** A flush as it stands in the log: its number and its text, unparsed. */
export interface LoggedFlush {
  readonly fs: number;
  readonly asOf: number;
  readonly payload: string;
}

/** Parses a logged flush; the log is written by an earlier version of this code, so it is an edge. */
export function parseFlush(payload: string): Flush {
  return flushSchema.parse(JSON.parse(payload));
}
