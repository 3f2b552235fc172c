import type { ResumeResult, Handoff } from "../contracts/stream.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Position } from "../stream/token.ts";
import { beginHandoff, faulty, step, type Step, type StreamState } from "./stream-state.ts";

/** A position in no epoch that ever was: from it everything since a knowledge time is handed off. */
const BEFORE_ALL_EPOCHS = "000000000000000";

/** What an acknowledged subscription says about one stream. */
export interface Resumption {
  readonly isQuotes: boolean;
  /** Where the service has the stream: the position before the first live flush. */
  readonly head: Position;
  readonly result: ResumeResult | null;
  readonly handoff: Handoff | null;
  /** The knowledge time that a first subscription asked for, or null. */
  readonly fromMs: EpochMs | null;
}

/** A stream at the start of a connection; `before` is what the client has of it, null when nothing. */
export function resumeStream(before: StreamState | null, resumption: Resumption): Step {
  const { isQuotes, head, result, handoff, fromMs } = resumption;
  const at = fromMs ?? 0;
  const state = (position: Position): StreamState =>
    before ?? { isQuotes, position, mode: { kind: "waiting" }, handed: [] };
  if (result === null) return goOn(before, state(head), head);
  if (!result.recovered) {
    const started = state({ epoch: BEFORE_ALL_EPOCHS, fs: 0, at });
    if (handoff === null) return faulty(started, `not recovered: ${result.code ?? "no code"}`);
    return beginHandoff(started, head.epoch, handoff);
  }
  if (result.snapshot === true) return live(state(head));
  const from = result.from ?? (before?.position.fs ?? head.fs) + 1;
  const started = state({ epoch: head.epoch, fs: from - 1, at });
  if (started.position.epoch !== head.epoch || started.position.fs !== from - 1)
    return faulty(started, "a replay begins elsewhere than it should");
  const mode = { kind: "replay", to: result.to ?? null, held: { items: [], chars: 0 } } as const;
  return step({ ...started, mode });
}

function goOn(before: StreamState | null, state: StreamState, head: Position): Step {
  const { epoch, fs } = state.position;
  if (before !== null && (epoch !== head.epoch || fs !== head.fs))
    return faulty(state, "a stream was not resumed");
  return live(state, before === null);
}

function live(state: StreamState, isNew = false): Step {
  const { position } = state;
  // A new stream's position is worth keeping before its first flush comes.
  return step(
    { ...state, mode: { kind: "live" } },
    isNew ? [{ kind: "bars", bars: [], position }] : [],
  );
}
