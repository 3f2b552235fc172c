import type { EpochMs } from "../domain/time.ts";
import { formatToken, parseStreamName, parseToken, type Position } from "../stream/token.ts";
import { wasHanded } from "./handed-spans.ts";
import { resumeStream } from "./resume-stream.ts";
import type { Incoming } from "./server-frame.ts";
import {
  detach,
  type Step,
  type StreamInput,
  type StreamState,
  takeInput,
} from "./stream-state.ts";

/** A step of one stream. */
export interface StreamStep {
  readonly stream: string;
  readonly step: Step;
}

/** All streams of a client, over its connections. */
export class StreamBook {
  #states: Map<string, StreamState>;
  #sent = new Map<string, Position>();

  constructor(positions: ReadonlyMap<string, Position>) {
    this.#states = new Map(
      Array.from(positions, ([stream, position]): [string, StreamState] => [
        stream,
        { isQuotes: isQuotes(stream), position, mode: { kind: "waiting" }, handed: [] },
      ]),
    );
  }

  /** The resume token: what was delivered of each stream, taken by the consumer or not. */
  get token(): string {
    return formatToken(Array.from(this.#states, ([stream, { position }]) => [stream, position]));
  }

  get(stream: string): StreamState | null {
    return this.#states.get(stream) ?? null;
  }

  /** How far the service has sent each stream that this connection follows, as it said itself. */
  get sent(): ReadonlyMap<string, Position> {
    return this.#sent;
  }

  /** The streams of bars among them. */
  get followedBars(): string[] {
    return [...this.#sent.keys()].filter((stream) => !isQuotes(stream));
  }

  /** Whether a stream waits for the end of a replay. */
  get isReplaying(): boolean {
    return this.#isAny("replay");
  }

  /** Whether a stream has not caught up yet. */
  get isBusy(): boolean {
    return this.#isAny("replay") || this.#isAny("handoff");
  }

  wasHanded(stream: string, asOf: EpochMs): boolean {
    return wasHanded(this.#states.get(stream)?.handed ?? [], asOf);
  }

  /** The connection was lost. */
  detach(): void {
    this.#sent.clear();
    for (const [stream, state] of this.#states) this.#states.set(stream, detach(state));
  }

  /** What an acknowledged subscription says about each stream; null when it makes no sense. */
  resume(
    { frame, handoffs }: Extract<Incoming, { kind: "ack" }>,
    fromMs: EpochMs | null,
  ): StreamStep[] | null {
    const heads = parseToken(frame.token);
    if (heads === null) return null;
    this.#sent = new Map(heads);
    const results = new Map((frame.resume ?? []).map((result) => [result.g, result]));
    return Array.from(heads, ([stream, head]) => {
      const resumption = {
        isQuotes: isQuotes(stream),
        head,
        result: results.get(stream) ?? null,
        handoff: handoffs.get(stream) ?? null,
        fromMs,
      };
      return this.#keep(stream, resumeStream(this.get(stream), resumption));
    });
  }

  /** An input of the socket; null for a stream that the subscription did not name. */
  take(stream: string, input: StreamInput): StreamStep | null {
    const last = this.#sent.get(stream);
    if (last !== undefined) this.#sent.set(stream, sentBy(last, input));
    return this.apply(stream, (state) => takeInput(state, input));
  }

  /** Changes a stream's state; null when there is none. */
  apply(stream: string, act: (state: StreamState) => Step): StreamStep | null {
    const state = this.#states.get(stream);
    return state === undefined ? null : this.#keep(stream, act(state));
  }

  #isAny(kind: StreamState["mode"]["kind"]): boolean {
    return [...this.#states.values()].some(({ mode }) => mode.kind === kind);
  }

  #keep(stream: string, step: Step): StreamStep {
    this.#states.set(stream, step.state);
    return { stream, step };
  }
}

/** How far a stream was sent after an input; one that is repeated says nothing new. */
function sentBy(last: Position, input: StreamInput): Position {
  switch (input.kind) {
    case "flush":
    case "snapshot": {
      const { e: epoch, fs, at } = input.frame;
      return epoch > last.epoch || (epoch === last.epoch && fs > last.fs)
        ? { epoch, fs, at }
        : last;
    }
    case "epoch": {
      const { epoch, fs } = input;
      // When it was known is not said: the hand-off ends there.
      return epoch > last.epoch ? { epoch, fs, at: Infinity } : last;
    }
    case "caught_up":
      return last;
  }
}

function isQuotes(stream: string): boolean {
  return parseStreamName(stream)?.class === "quotes";
}
