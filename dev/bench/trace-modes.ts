import { z } from "zod";

export const TRACE_PATH = "/bench/trace";
const MAX_CALLS = 100_000_000;

/**
 * How a function is called that does next to nothing: `bare` by itself, `off` by `maybeTrace` in a runtime that has
 * never traced, `outside` of a trace in one that has, `on` in a trace.
 */
const TRACE_MODES = ["bare", "off", "on", "outside"] as const;
export type TraceMode = (typeof TRACE_MODES)[number];

/** What the runtime is asked for. */
export const traceQuerySchema = z.object({
  mode: z.enum(TRACE_MODES),
  calls: z.coerce.number().int().min(0).max(MAX_CALLS),
});
