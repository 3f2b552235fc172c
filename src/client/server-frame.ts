import { z } from "zod";
import {
  type FlushFrame,
  type Handoff,
  type ServerFrame,
  serverFrameSchema,
} from "../contracts/stream.ts";
import { splitBatch } from "./split-batch.ts";

type FrameOf<Op extends ServerFrame["op"]> = Extract<ServerFrame, { op: Op }>;
/** The last bars or quotes of a client's symbols, as of a flush. */
export type SnapshotFrame = FrameOf<"snapshot">;

/** A flush and the text it was sent in. */
export interface ReceivedFlush {
  readonly frame: FlushFrame;
  readonly text: string;
}

/** What a client makes of one message. */
export type Incoming =
  | { readonly kind: "pong" }
  /** A frame of a later protocol, or one that a client need not act on. */
  | { readonly kind: "ignored" }
  /** Not a frame of the protocol: nothing that this connection says can be trusted any more. */
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "hello"; readonly frame: FrameOf<"hello"> }
  | {
      readonly kind: "ack";
      readonly frame: FrameOf<"ack">;
      readonly handoffs: ReadonlyMap<string, Handoff>;
    }
  | { readonly kind: "flushes"; readonly flushes: readonly ReceivedFlush[] }
  | { readonly kind: "caught_up"; readonly frame: FrameOf<"caught_up"> }
  | { readonly kind: "snapshot"; readonly frame: SnapshotFrame }
  | { readonly kind: "epoch"; readonly frame: FrameOf<"epoch"> }
  | { readonly kind: "error"; readonly frame: FrameOf<"error"> };

const KNOWN_OPS: ReadonlySet<string> = new Set<ServerFrame["op"]>([
  "hello",
  "ack",
  "flush",
  "batch",
  "caught_up",
  "snapshot",
  "epoch",
  "error",
  "slow",
]);
const anyFrameSchema = z.looseObject({ op: z.string() });

/** Reads one message of the socket; `pong` is what the greeting says answers a ping. */
export function readMessage(data: unknown, pong: string): Incoming {
  if (typeof data !== "string") return broken("a binary message");
  if (data === pong) return { kind: "pong" };
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return broken("not JSON");
  }
  const any = anyFrameSchema.safeParse(json);
  if (!any.success) return broken("not a frame");
  if (!KNOWN_OPS.has(any.data.op)) return { kind: "ignored" };
  const parsed = serverFrameSchema.safeParse(json);
  if (!parsed.success) return broken(`not a frame of the kind ${any.data.op}`);
  return incomingOf(parsed.data, data) ?? broken(`no such ${any.data.op}`);
}

/** Null when a batch is not what it seems. */
function incomingOf(frame: ServerFrame, text: string): Incoming | null {
  switch (frame.op) {
    case "hello":
      return { kind: "hello", frame };
    case "ack": {
      const named = (frame.resume ?? []).flatMap(({ g, handoff }): [string, Handoff][] =>
        handoff === undefined ? [] : [[g, handoff]],
      );
      return { kind: "ack", frame, handoffs: new Map(named) };
    }
    case "flush":
      return { kind: "flushes", flushes: [{ frame, text }] };
    case "batch":
      return batchOf(frame, text);
    case "caught_up":
      return { kind: "caught_up", frame };
    case "snapshot":
      return { kind: "snapshot", frame };
    case "epoch":
      return { kind: "epoch", frame };
    case "error":
      return { kind: "error", frame };
    // The close that may follow it is what is acted on.
    case "slow":
      return { kind: "ignored" };
  }
}

function batchOf({ flushes }: FrameOf<"batch">, text: string): Incoming | null {
  const texts = splitBatch(text);
  if (texts?.length !== flushes.length) return null;
  return {
    kind: "flushes",
    flushes: flushes.map((frame, index) => ({ frame, text: texts[index] ?? "" })),
  };
}

function broken(why: string): Incoming {
  return { kind: "broken", why };
}
