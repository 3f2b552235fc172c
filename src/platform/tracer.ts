import type { CallOrigin } from "../contracts/call-origin.ts";
import type { TraceBatch } from "../contracts/trace.ts";
import { metricsHubStub } from "./stubs.ts";
import { beginTrace, joinTrace } from "./trace.ts";
import type { TracePartOptions } from "./trace-part.ts";

/** Begins the traces of one place and goes on with those of others; both just run `act` while tracing is off. */
export interface Tracer {
  /** Begins a trace here. `alone` says whether it is kept when nothing in it was worth a span. */
  begin<T>(label: string, act: () => T, alone?: TracePartOptions["alone"]): T;
  /** Goes on with the trace of a call, if that has one. */
  join<T>(origin: CallOrigin, label: string, act: () => T): T;
}

/** What a tracer stands in: its name in the spans, and what outlives an invocation. */
export interface TracerDeps {
  readonly on: boolean;
  readonly at: string;
  readonly env: Env;
  readonly keepAlive: (work: Promise<void>) => void;
}

/** The tracer of a place that traces nothing. */
export const UNTRACED: Tracer = {
  begin: (_label, act) => act(),
  join: (_origin, _label, act) => act(),
};

/** The tracer of a place: spans go to the deployment's hub when nothing of the invocation runs any more. */
export function createTracer({ on, at, env, keepAlive }: TracerDeps): Tracer {
  if (!on) return UNTRACED;
  const send = (batch: TraceBatch) => keepAlive(deliver(env, batch));
  return {
    begin: (label, act, alone = "kept") => beginTrace({ at, send, alone }, label, act),
    join: ({ trace }, label, act) => joinTrace(trace, { at, send }, label, act),
  };
}

async function deliver(env: Env, batch: TraceBatch): Promise<void> {
  try {
    await metricsHubStub(env).keepTrace(batch);
  } catch {
    // Spans are lost rather than in the way, and who could not store them could not tell of it either.
  }
}
