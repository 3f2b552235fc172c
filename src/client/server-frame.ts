import { z } from "zod";
import {
  type FlushFrame,
  flushFrameSchema,
  type ServerFrame,
  serverFrameSchema,
} from "../contracts/stream.ts";
import { splitBatch } from "./split-batch.ts";

/** More URLs than this name no hand-off: there is one for each interval. */
const MAX_URLS = 8;

const handoffSchema = z.object({
  url: z.string(),
  /** Where one URL does not name all: one for each interval of bars. */
  urls: z.array(z.string()).max(MAX_URLS).optional(),
  join_fs: z.number().int().positive(),
});
/** Where to fetch what a socket does not bring, and from where on the socket brings it. */
export type Handoff = z.infer<typeof handoffSchema>;

const handoffsSchema = z.object({
  resume: z.array(z.object({ g: z.string(), handoff: handoffSchema.optional() })).optional(),
});
const epochSchema = z.object({
  op: z.literal("epoch"),
  g: z.string(),
  e: z.string(),
  fs: z.number(),
  handoff: handoffSchema.optional(),
});
/** Of bars a snapshot brings the latest of each symbol. */
const snapshotBarsSchema = z.object({ bars: flushFrameSchema.shape.bars });

type FrameOf<Op extends ServerFrame["op"]> = Extract<ServerFrame, { op: Op }>;
/** The last bars or quotes of a client's symbols, as of a flush. */
export type SnapshotFrame = FrameOf<"snapshot"> & z.infer<typeof snapshotBarsSchema>;

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
  | { readonly kind: "epoch"; readonly frame: z.infer<typeof epochSchema> }
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
  return withExtras(parsed.data, json, data) ?? broken(`no such ${any.data.op}`);
}

/** Null when a part that only a client reads is not what it should be. */
function withExtras(frame: ServerFrame, json: unknown, text: string): Incoming | null {
  switch (frame.op) {
    case "hello":
      return { kind: "hello", frame };
    case "ack": {
      const extra = handoffsSchema.safeParse(json);
      if (!extra.success) return null;
      const named = (extra.data.resume ?? []).flatMap(({ g, handoff }): [string, Handoff][] =>
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
    case "snapshot": {
      const extra = snapshotBarsSchema.safeParse(json);
      return extra.success ? { kind: "snapshot", frame: { ...frame, ...extra.data } } : null;
    }
    case "epoch": {
      const extra = epochSchema.safeParse(json);
      return extra.success ? { kind: "epoch", frame: extra.data } : null;
    }
    case "error":
      return { kind: "error", frame };
    default:
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
