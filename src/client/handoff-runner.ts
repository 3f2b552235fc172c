import type { Handoff } from "../contracts/stream.ts";
import { followHandoff, type HandoffPart, planHandoff } from "./handoff.ts";
import type { PageReading } from "./read-page.ts";
import type { Selection } from "./selection.ts";
import {
  joinStream,
  type Step,
  type StreamState,
  takeHandedBars,
  takeHandedFlushes,
} from "./stream-state.ts";

/** Streams that are fetched at once: a client of the whole universe may be handed off in all of them. */
const MAX_PARALLEL = 4;

/** What following hand-offs needs of the client. */
export interface HandoffDeps {
  readonly selection: Selection;
  readonly reading: Omit<PageReading, "signal">;
  /** Changes a stream's state and delivers. */
  readonly apply: (stream: string, act: (state: StreamState) => Step) => void;
  /** Resolves when the consumer has room. */
  readonly room: () => Promise<void>;
  readonly onFailed: (reason: string) => void;
}

interface Job {
  readonly stream: string;
  readonly handoff: Handoff;
  readonly state: StreamState;
  readonly signal: AbortSignal;
}

/** Fetches what hand-offs name, a few streams at a time, each in order. */
export class HandoffRunner {
  #deps: HandoffDeps;
  #waiting: Job[] = [];
  #running = 0;

  constructor(deps: HandoffDeps) {
    this.#deps = deps;
  }

  /** Follows a hand-off until its end, or until the signal says that its connection is gone. */
  follow(job: Job): void {
    this.#waiting.push(job);
    this.#startMore();
  }

  #startMore(): void {
    while (this.#running < MAX_PARALLEL) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      if (job.signal.aborted) continue;
      this.#running += 1;
      void this.#run(job).finally(() => {
        this.#running -= 1;
        this.#startMore();
      });
    }
  }

  async #run({ stream, handoff, state, signal }: Job): Promise<void> {
    const { selection, reading, apply, room, onFailed } = this.#deps;
    const plan = planHandoff(handoff, {
      origin: reading.origin,
      position: state.position,
      selection,
    });
    if (typeof plan === "string") return onFailed(plan);
    try {
      for await (const part of followHandoff(plan, selection, { ...reading, signal })) {
        if (signal.aborted) return;
        apply(stream, (current) => takePart(current, part));
        await room();
        if (signal.aborted) return;
      }
    } catch (error) {
      if (!signal.aborted) onFailed(error instanceof Error ? error.message : "a hand-off failed");
      return;
    }
    apply(stream, (current) => joinStream(current, plan.kind === "diff" ? plan.untilMs : null));
  }
}

function takePart(state: StreamState, part: HandoffPart): Step {
  return part.kind === "bars"
    ? takeHandedBars(state, part.bars, part.untilMs)
    : takeHandedFlushes(state, part.flushes);
}
