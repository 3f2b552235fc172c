import { z } from "zod";

/** Labels of spans and the names of what they ran in are cut here. */
export const MAX_SPAN_LABEL = 100;
/** Spans that one part of a trace keeps: what comes after them is counted only. */
export const MAX_PART_SPANS = 256;

/** A trace by its id: 16 random bytes, as in W3C Trace Context. */
export const traceIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
/** A span: the part of the trace that made it, and its number there. */
const spanIdSchema = z.string().regex(/^[0-9a-f]{8}-\d{1,4}$/);

/** The span that a call was made in: what the callee's spans hang from. */
export const traceContextSchema = z.object({ trace: traceIdSchema, span: spanIdSchema });
export type TraceContext = z.infer<typeof traceContextSchema>;

/**
 * Something that took time: `at` is what it ran in (worker, runner, the name of an object), times are those
 * of the wall, ms. `failed`: the kind of what was thrown; never its text, which may hold what is secret.
 */
export const traceSpanSchema = z.object({
  id: spanIdSchema,
  /** Null: the first span of the trace. */
  parent: spanIdSchema.nullable(),
  label: z.string().max(MAX_SPAN_LABEL),
  at: z.string().max(MAX_SPAN_LABEL),
  startMs: z.number(),
  endMs: z.number(),
  failed: z.string().max(MAX_SPAN_LABEL).optional(),
});
export type TraceSpan = z.infer<typeof traceSpanSchema>;

/** What a part of a trace hands over when nothing of it is running any more. */
export const traceBatchSchema = z.object({
  v: z.literal(1),
  trace: traceIdSchema,
  spans: z.array(traceSpanSchema).min(1).max(MAX_PART_SPANS),
  /** Spans beyond what the part keeps, since its last batch. */
  dropped: z.number().int().nonnegative(),
});
export type TraceBatch = z.infer<typeof traceBatchSchema>;

/** A stored trace without its spans. */
export interface TraceHead {
  readonly id: string;
  /** Of its first span; null while that one is still running. */
  readonly label: string | null;
  readonly begunMs: number;
  readonly endedMs: number;
  readonly spans: number;
  /** Spans that were too many to be kept. */
  readonly dropped: number;
}

/** A stored trace with its spans, in no order. */
export interface StoredTrace extends TraceHead {
  readonly all: readonly TraceSpan[];
}
