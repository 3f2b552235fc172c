import { z } from "zod";
import { MAX_PART_SPANS } from "../../../src/contracts/trace.ts";
import { beginTrace, maybeTrace } from "../../../src/platform/trace.ts";
import { TRACE_PATH, traceQuerySchema } from "../trace-modes.ts";

/** What is called: the least that is not optimised away. */
let counted = 0;
const act = () => (counted += 1);

/** Spans of one part: a part that is full makes none any more. */
const SPANS_OF_PART = MAX_PART_SPANS - 1;

/** Answers a request of the trace benchmark: so many calls in one mode. Null: it is none. */
export function answerTrace(request: Request): Response | null {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== TRACE_PATH) return null;
  const { mode, calls } = traceQuerySchema.parse(Object.fromEntries(searchParams));
  counted = 0;
  if (mode === "bare") callBare(calls);
  else if (mode === "on") callInTraces(calls);
  else callTraced(calls);
  return Response.json(z.object({ counted: z.literal(calls) }).parse({ counted }));
}

function callBare(calls: number): void {
  for (let call = 0; call < calls; call += 1) act();
}

function callTraced(calls: number): void {
  for (let call = 0; call < calls; call += 1) maybeTrace("measured", act);
}

function callInTraces(calls: number): void {
  const place = { at: "bench", send: () => {}, alone: "kept" } as const;
  for (let left = calls; left > 0; left -= SPANS_OF_PART)
    beginTrace(place, "root", () => callTraced(Math.min(left, SPANS_OF_PART)));
}
