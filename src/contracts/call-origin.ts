import { z } from "zod";
import { traceContextSchema } from "./trace.ts";

/**
 * Where a call between parts of the service comes from: which job, in which span. An argument of its own
 * behind the others, so that a callee of another release, which does not know it, is not disturbed by it.
 */
export const callOriginSchema = z.object({
  job: z.string().max(200).optional(),
  trace: traceContextSchema.optional(),
});
export type CallOrigin = z.infer<typeof callOriginSchema>;

/** An origin as it came over a call; one that can't be read is none: it is for people, not for the service. */
export function readOrigin(given: unknown): CallOrigin {
  const read = callOriginSchema.safeParse(given);
  return read.success ? read.data : {};
}
