import { AsyncLocalStorage } from "node:async_hooks";
import type { CallOrigin } from "../contracts/call-origin.ts";
import { type TraceContext, traceContextSchema } from "../contracts/trace.ts";
import { randomHex, TracePart, type TracePartOptions } from "./trace-part.ts";

/** Where the running code is in a trace: it follows the code over every `await`. */
interface Place {
  readonly part: TracePart;
  readonly span: string;
}

const places = new AsyncLocalStorage<Place>();
/** Whether this isolate has ever traced anything: while it has not, nothing but this is looked at. */
let hasBegun = false;

/**
 * Runs `act` and answers what it answers; in a trace the time that it takes, until its promise is settled when
 * it gives one, becomes a span of that label. Outside of a trace it is a call and no more. A label may not
 * hold what is secret.
 */
export function maybeTrace<T>(label: string, act: () => T): T {
  if (!hasBegun) return act();
  const place = places.getStore();
  return place === undefined ? act() : runSpan(place.part, place.span, label, act);
}

/** Begins a trace with its first span. */
export function beginTrace<T>(
  options: Omit<TracePartOptions, "trace">,
  label: string,
  act: () => T,
): T {
  hasBegun = true;
  return runSpan(new TracePart({ ...options, trace: randomHex(16) }), null, label, act);
}

/** Goes on with a trace that came over a call; what is no trace context is none, and `act` just runs. */
export function joinTrace<T>(
  from: unknown,
  options: Omit<TracePartOptions, "trace" | "alone">,
  label: string,
  act: () => T,
): T {
  const read = traceContextSchema.safeParse(from);
  if (!read.success) return act();
  hasBegun = true;
  const part = new TracePart({ ...options, alone: "kept", trace: read.data.trace });
  return runSpan(part, read.data.span, label, act);
}

/** The span that the running code is in, to be sent along with a call; undefined outside of a trace. */
export function currentTrace(): TraceContext | undefined {
  if (!hasBegun) return undefined;
  const place = places.getStore();
  return place === undefined ? undefined : { trace: place.part.trace, span: place.span };
}

/** What is sent along with a call: the span that it is made in, and the job that it is about. */
export function callOrigin(job?: string): CallOrigin {
  const trace = currentTrace();
  return { ...(trace === undefined ? {} : { trace }), ...(job === undefined ? {} : { job }) };
}

function runSpan<T>(part: TracePart, parent: string | null, label: string, act: () => T): T {
  const span = part.begin(label, parent);
  if (span === null) return act();
  let result: T;
  try {
    result = places.run({ part, span: span.id }, act);
  } catch (thrown) {
    part.end(span, { thrown });
    throw thrown;
  }
  if (isThenable(result)) {
    // A branch of its own: the promise that is given back stays the one that `act` made.
    void result.then(
      () => part.end(span),
      (thrown: unknown) => part.end(span, { thrown }),
    );
  } else part.end(span);
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const canHold = typeof value === "object" || typeof value === "function";
  return canHold && value !== null && typeof Reflect.get(value, "then") === "function";
}
