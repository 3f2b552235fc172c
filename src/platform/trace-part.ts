import {
  MAX_PART_SPANS,
  MAX_SPAN_LABEL,
  type TraceBatch,
  type TraceSpan,
} from "../contracts/trace.ts";
import { wallClock } from "./clocks.ts";

/** A span that is running. */
export interface OpenSpan {
  readonly id: string;
  readonly parent: string | null;
  readonly label: string;
  readonly startMs: number;
}

/** What a part of a trace is made with. */
export interface TracePartOptions {
  readonly trace: string;
  /** What it runs in: worker, runner, or the name of an object. */
  readonly at: string;
  /** Takes what has ended. Not awaited: whatever becomes of it is no matter of who is traced. */
  readonly send: (batch: TraceBatch) => void;
  /** A single span is not worth a trace: an alarm that found nothing to do. */
  readonly alone: "kept" | "dropped";
}

/**
 * The spans of a trace that one invocation makes, unawaited work included. They are handed over together
 * when none of them is running any more, so a part is sent once, and again only if work goes on later.
 */
export class TracePart {
  readonly trace: string;
  #options: TracePartOptions;
  #id = randomHex(4);
  #made = 0;
  #open = 0;
  #dropped = 0;
  #ended: TraceSpan[] = [];

  constructor(options: TracePartOptions) {
    this.trace = options.trace;
    this.#options = options;
  }

  /** Begins a span; null when the part has as many as it keeps. */
  begin(label: string, parent: string | null): OpenSpan | null {
    if (this.#made >= MAX_PART_SPANS) {
      this.#dropped += 1;
      return null;
    }
    this.#made += 1;
    this.#open += 1;
    const id = `${this.#id}-${this.#made}`;
    return { id, parent, label: label.slice(0, MAX_SPAN_LABEL), startMs: wallClock.now() };
  }

  /** Ends a span; `fault` is what was thrown out of it. */
  end({ id, parent, label, startMs }: OpenSpan, fault?: { readonly thrown: unknown }): void {
    const span = { id, parent, label, at: this.#options.at.slice(0, MAX_SPAN_LABEL) };
    const times = { startMs, endMs: wallClock.now() };
    const failed = fault === undefined ? {} : { failed: kindOf(fault.thrown) };
    this.#ended.push({ ...span, ...times, ...failed });
    this.#open -= 1;
    if (this.#open === 0) this.#handOver();
  }

  #handOver(): void {
    const [spans, dropped] = [this.#ended, this.#dropped];
    this.#ended = [];
    this.#dropped = 0;
    if (this.#options.alone === "dropped" && this.#made === 1) return;
    try {
      this.#options.send({ v: 1, trace: this.trace, spans, dropped });
    } catch {
      // Spans are lost rather than in the way of who is traced.
    }
  }
}

/** So many random bytes in hexadecimal digits. */
export function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}

function kindOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.name : typeof thrown).slice(0, MAX_SPAN_LABEL);
}
