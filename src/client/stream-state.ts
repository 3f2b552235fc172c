import type { FlushFrame, Handoff } from "../contracts/stream.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Position } from "../stream/token.ts";
import type { BarEvent, Via } from "./events.ts";
import { type HandedSpan, wasHanded, withSpan } from "./handed-spans.ts";
import { replayFault, type ReplayTrailer } from "./replay-check.ts";
import type { ReceivedFlush, SnapshotFrame } from "./server-frame.ts";

/** A replay on the socket is 4 MB at most by the protocol, of all streams together; what is larger is not one. */
const MAX_HELD_CHARS = 4 * 1_024 * 1_024;
/** Flushes without a row of the client's own are short: their number is bounded, too. */
const MAX_HELD_FLUSHES = 10_000;

/** What the socket says about one stream. */
export type StreamInput =
  | ({ readonly kind: "flush" } & ReceivedFlush)
  | ({ readonly kind: "caught_up" } & ReplayTrailer)
  | { readonly kind: "snapshot"; readonly frame: SnapshotFrame }
  | {
      readonly kind: "epoch";
      readonly epoch: string;
      readonly fs: number;
      readonly handoff: Handoff | null;
    };

/** Frames that wait until they can be trusted, or until it is their turn. */
interface Held<T> {
  readonly items: readonly T[];
  readonly chars: number;
}

/** What a stream is doing on this connection. */
export type StreamMode =
  /** Nothing was said about it since the connection was made. */
  | { readonly kind: "waiting" }
  | { readonly kind: "live" }
  /** Replayed flushes wait for the trailer; `to` is the last one when the resume announced it. */
  | { readonly kind: "replay"; readonly to: number | null; readonly held: Held<ReceivedFlush> }
  /** The socket's frames wait for what is fetched; `held` is null when they were too many. */
  | {
      readonly kind: "handoff";
      readonly epoch: string;
      readonly joinFs: number;
      readonly held: Held<StreamInput> | null;
    };

/** One stream as a client has it. */
export interface StreamState {
  readonly isQuotes: boolean;
  /** The last trusted position: everything up to it was delivered. */
  readonly position: Position;
  readonly mode: StreamMode;
  readonly handed: readonly HandedSpan[];
}

/** What goes to the consumer; after it the stream stands at `position`. */
export type Delivery =
  | {
      readonly kind: "flush";
      readonly frame: FlushFrame;
      readonly via: Via;
      /** False when its bars were fetched before it came. */
      readonly withBars: boolean;
      readonly chars: number;
      readonly position: Position;
    }
  | { readonly kind: "snapshot"; readonly frame: SnapshotFrame; readonly position: Position }
  | { readonly kind: "bars"; readonly bars: readonly BarEvent[]; readonly position: Position };

/** What came of an input. */
export interface Step {
  readonly state: StreamState;
  readonly deliveries: readonly Delivery[];
  /** Why this connection can't be trusted any more: resume from `state.position`. */
  readonly fault: string | null;
  /** To be followed now. */
  readonly handoff: Handoff | null;
}

const NOTHING_HELD = { items: [], chars: 0 };

/** The state after a connection was lost: what was not trusted yet is discarded. */
export function detach(state: StreamState): StreamState {
  return { ...state, mode: { kind: "waiting" } };
}

/** Takes one input of the socket. */
export function takeInput(state: StreamState, input: StreamInput): Step {
  if (state.mode.kind === "waiting") return faulty(state, "a frame came before its subscription");
  if (state.mode.kind === "handoff") return hold(state, state.mode, input);
  switch (input.kind) {
    case "flush":
      return takeFlush(state, input);
    case "caught_up":
      return takeTrailer(state, input);
    case "snapshot":
      return takeSnapshot(state, input.frame);
    case "epoch":
      return takeEpoch(state, input.epoch, input.handoff);
  }
}

/** Takes bars of a hand-off: all that became known after the position and until `untilMs`. */
export function takeHandedBars(
  state: StreamState,
  bars: readonly BarEvent[],
  untilMs: EpochMs,
): Step {
  const { position } = state;
  const moved = { ...position, at: Math.max(position.at, untilMs) };
  const handed = withSpan(state.handed, { afterMs: position.at, untilMs });
  return step({ ...state, position: moved, handed }, [{ kind: "bars", bars, position: moved }]);
}

/** Takes flushes of a hand-off to the replay over HTTP; they continue the position. */
export function takeHandedFlushes(state: StreamState, flushes: readonly FlushFrame[]): Step {
  const deliveries: Delivery[] = [];
  let current = state;
  for (const frame of flushes) {
    if (frame.e !== current.position.epoch) return faulty(state, "a replay of another epoch");
    if (frame.fs <= current.position.fs) continue;
    if (frame.fs !== current.position.fs + 1) return faulty(state, "a replay over HTTP has a hole");
    const delivery = deliver(current, frame, "handoff", 0);
    deliveries.push(delivery);
    current = { ...current, position: delivery.position };
  }
  return step(current, deliveries);
}

/**
 * Ends a hand-off: the stream goes on at `joinFs` with what was held. `untilMs`: up to when all is known, or null
 * when flushes were fetched, which then must reach up to there.
 */
export function joinStream(state: StreamState, untilMs: EpochMs | null): Step {
  const { mode, position } = state;
  if (mode.kind !== "handoff") return faulty(state, "there is no hand-off to end");
  const fs = mode.joinFs - 1;
  if (untilMs === null && (position.epoch !== mode.epoch || position.fs !== fs))
    return faulty(state, "a replay over HTTP ended early");
  const joined = { epoch: mode.epoch, fs, at: Math.max(position.at, untilMs ?? 0) };
  const live: StreamState = { ...state, position: joined, mode: { kind: "live" } };
  const moved: Delivery = { kind: "bars", bars: [], position: joined };
  if (mode.held === null) {
    const fault = "more came while a stream was handed off than is held";
    return { ...step(live, [moved]), fault };
  }
  let current = step(live, [moved]);
  for (const input of mode.held.items) {
    const next = takeInput(current.state, input);
    current = { ...next, deliveries: [...current.deliveries, ...next.deliveries] };
    if (next.fault !== null) return current;
  }
  return current;
}

function takeFlush(state: StreamState, { frame, text }: ReceivedFlush): Step {
  const { position, mode } = state;
  if (frame.e !== position.epoch) return faulty(state, "a flush of another epoch");
  if (frame.fs <= position.fs) return step(state);
  if (mode.kind === "replay") return takeReplayed(state, mode, { frame, text });
  if (frame.fs !== position.fs + 1) return faulty(state, "a flush is missing");
  if (frame.rp === 1) {
    const begun = { kind: "replay", to: null, held: NOTHING_HELD } as const;
    return takeReplayed(state, begun, { frame, text });
  }
  const delivery = deliver(state, frame, "live", text.length);
  return step({ ...state, position: delivery.position }, [delivery]);
}

function takeReplayed(
  state: StreamState,
  mode: Extract<StreamMode, { kind: "replay" }>,
  flush: ReceivedFlush,
): Step {
  const { fs, rp } = flush.frame;
  const last = mode.held.items.at(-1)?.frame.fs ?? state.position.fs;
  if (fs <= last) return step(state);
  if (rp !== 1) return faulty(state, "a live flush came before the end of a replay");
  if (fs !== last + 1) return faulty(state, "a replayed flush is missing");
  if (mode.to !== null && fs > mode.to) return faulty(state, "a replay went past its end");
  const held = added(mode.held, flush, flush.text.length);
  if (held === null) return faulty(state, "a replay is longer than a socket carries");
  return step({ ...state, mode: { ...mode, held } });
}

function takeTrailer(state: StreamState, trailer: ReplayTrailer): Step {
  const { mode, position } = state;
  if (mode.kind !== "replay") {
    // A trailer that comes twice says nothing new; one that is ahead tells of flushes that did not come.
    return trailer.fs <= position.fs ? step(state) : faulty(state, "a replay did not come");
  }
  const { items } = mode.held;
  const end = mode.to ?? trailer.fs;
  const fault =
    trailer.fs === end
      ? replayFault(items, trailer, position.fs)
      : "a replay ended elsewhere than it said";
  if (fault !== null) return faulty(state, fault);
  const deliveries = items.map(({ frame, text }) => deliver(state, frame, "replay", text.length));
  const reached = deliveries.at(-1)?.position ?? position;
  return step({ ...state, position: reached, mode: { kind: "live" } }, deliveries);
}

function takeSnapshot(state: StreamState, frame: SnapshotFrame): Step {
  const { position } = state;
  const named = { epoch: frame.e, fs: frame.fs, at: frame.at };
  // What lies between is replaced by the last quotes; of bars every revision counts.
  const isHere = frame.e === position.epoch && frame.fs === position.fs;
  if (!state.isQuotes && !isHere) return faulty(state, "a snapshot of bars skips flushes");
  const isOld = frame.e === position.epoch && frame.fs < position.fs;
  if (isOld) return step(state);
  const moved = state.isQuotes ? named : position;
  return step({ ...state, position: moved, mode: { kind: "live" } }, [
    { kind: "snapshot", frame, position: moved },
  ]);
}

function takeEpoch(state: StreamState, epoch: string, handoff: Handoff | null): Step {
  const { position, mode } = state;
  // Epochs have an order: this one is known, or older than the one that is.
  if (epoch <= position.epoch) return step(state);
  if (mode.kind === "replay") return faulty(state, "a new epoch began during a replay");
  if (state.isQuotes) return step({ ...state, position: { ...position, epoch, fs: 0 } });
  if (handoff === null) return faulty(state, "a new epoch began");
  return beginHandoff(state, epoch, handoff);
}

/** The stream's state while a hand-off is followed. */
export function beginHandoff(state: StreamState, epoch: string, handoff: Handoff): Step {
  const mode = { kind: "handoff", epoch, joinFs: handoff.join_fs, held: NOTHING_HELD } as const;
  return { ...step({ ...state, mode }), handoff };
}

function hold(
  state: StreamState,
  mode: Extract<StreamMode, { kind: "handoff" }>,
  input: StreamInput,
): Step {
  if (input.kind === "epoch")
    return input.epoch <= mode.epoch ? step(state) : faulty(state, "a new epoch during a hand-off");
  if (mode.held === null) return step(state);
  const chars = input.kind === "flush" ? input.text.length : 0;
  return step({ ...state, mode: { ...mode, held: added(mode.held, input, chars) } });
}

function added<T>(held: Held<T>, item: T, chars: number): Held<T> | null {
  const total = held.chars + chars;
  if (total > MAX_HELD_CHARS || held.items.length >= MAX_HELD_FLUSHES) return null;
  return { items: [...held.items, item], chars: total };
}

function deliver(state: StreamState, frame: FlushFrame, via: Via, chars: number) {
  const at = Math.max(frame.at, state.position.at);
  const position = { epoch: frame.e, fs: frame.fs, at };
  const withBars = !wasHanded(state.handed, frame.at);
  return { kind: "flush", frame, via, withBars, chars, position } as const;
}

/** An input that was taken. */
export function step(state: StreamState, deliveries: readonly Delivery[] = []): Step {
  return { state, deliveries, fault: null, handoff: null };
}

/** An input that shows that the connection can't be trusted. */
export function faulty(state: StreamState, fault: string): Step {
  return { state, deliveries: [], fault, handoff: null };
}
