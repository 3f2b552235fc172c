import { z } from "zod";
import { EPOCH_PATTERN } from "../domain/epoch.ts";
import type { StreamClass } from "./flush.ts";

/** Name and version of the protocol, as the WebSocket subprotocol. */
export const STREAM_PROTOCOL = "mds.v1";

/** A client frame is at most this long; a `sub` of a whole universe fits. */
export const MAX_CLIENT_FRAME_BYTES = 262_144;
/** Symbols of one connection. */
export const MAX_CONNECTION_SYMBOLS = 16_384;
/** A replay on the socket is at most this long for one stream … */
export const MAX_STREAM_REPLAY_BYTES = 512 * 1_024;
/** … and this long for a connection; what is larger is handed off to the HTTP replay. */
export const MAX_CONNECTION_REPLAY_BYTES = 4 * 1_024 * 1_024;

/** Codes of `error` frames and of rejected symbols. */
export const STREAM_CODES = {
  syntax: 1400,
  notEntitled: 1403,
  unknownSymbol: 1404,
  symbolLimit: 1405,
  agedOut: 1412,
  tooFast: 1429,
  internal: 1500,
} as const;

/** Close codes: 4000-4499 reconnect with back-off and token, 4500-4999 do not. */
export const CLOSE_CODES = {
  /** Restart of the service, or a connection that has lasted for long. */
  restart: 4001,
  slow: 4008,
  lostPosition: 4010,
  dead: 4012,
  rate: 4029,
  forced: 4503,
  connectionLimit: 4504,
  symbolLimit: 4505,
} as const;

/** What can be subscribed to; each with symbols of its own. */
export const CHANNELS = ["bars.1m", "bars.1d", "quotes"] as const;
export type Channel = (typeof CHANNELS)[number];
export const channelSchema = z.enum(CHANNELS);
/** The class of stream in which a channel's data comes. */
export const CHANNEL_CLASS: Readonly<Record<Channel, StreamClass>> = {
  "bars.1m": "bars",
  "bars.1d": "bars",
  quotes: "quotes",
};

/** Names a request, so that its answer can be told from others. */
export const requestIdSchema = z.union([z.number().int(), z.string().max(64)]).optional();
const channelsSchema = z.array(channelSchema).min(1).max(CHANNELS.length);
const symbolsSchema = z.array(z.string().min(1).max(16)).min(1).max(MAX_CONNECTION_SYMBOLS);
export const MAX_TOKEN_CHARS = 8_192;

/** The latest knowledge time that a client may name. */
const MAX_TIME_MS = 8.64e15;

/**
 * What a client may send. `symbols: ["*"]` is the whole universe. `from`, of what the token does not
 * name: `now`; `snapshot`, the last bar or quote of each symbol first; or a knowledge time in ms, from
 * which on bars are replayed (quotes are latest-value: their last ones are sent).
 */
export const clientFrameSchema = z.discriminatedUnion("op", [
  z
    .object({
      op: z.literal("sub"),
      id: requestIdSchema,
      ch: channelsSchema,
      symbols: symbolsSchema,
      resume: z.string().max(MAX_TOKEN_CHARS).optional(),
      from: z
        .union([z.enum(["now", "snapshot"]), z.number().int().nonnegative().max(MAX_TIME_MS)])
        .optional(),
      format: z.enum(["columns", "objects"]).optional(),
      rev: z.enum(["all", "first"]).optional(),
      /** Whether the client will send acks: it is then measured by them instead of by pings. */
      ack: z.boolean().optional(),
    })
    .strict(),
  z
    .object({
      op: z.literal("unsub"),
      id: requestIdSchema,
      ch: channelsSchema,
      symbols: symbolsSchema,
    })
    .strict(),
  /** How far the client has each of its streams; cumulative, unanswered. */
  z
    .object({ op: z.literal("ack"), id: requestIdSchema, token: z.string().max(MAX_TOKEN_CHARS) })
    .strict(),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;

const manifestEntrySchema = z.tuple([
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
]);
const quoteValue = z.number().nullable();
/** As `QUOTE_COLUMNS` names them; nulls are sides that nobody quotes or that are stale. */
const wireQuoteSchema = z.tuple([
  z.string(),
  z.number(),
  z.number(),
  quoteValue,
  quoteValue,
  quoteValue,
  quoteValue,
  z.string().nullable(),
  quoteValue,
  quoteValue,
  z.string(),
  z.string(),
  z.string().nullable(),
  z.boolean(),
  z.string(),
]);
const wireRowSchema = z.tuple([
  z.string(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number(),
  z.number().nullable(),
  z.number().nullable(),
  z.number(),
  z.string(),
  z.string(),
  z.string(),
]);

const quotesSchema = z.object({
  ch: z.literal("quotes"),
  cols: z.array(z.string()),
  rows: z.array(wireQuoteSchema),
});

const barsSchema = z.object({
  ch: z.enum(["bars.1m", "bars.1d"]),
  cols: z.array(z.string()),
  rows: z.array(wireRowSchema),
});

/** A flush with `format: "columns"`; with `objects` there is no `cols`, and rows name their values so. */
export const flushFrameSchema = z.object({
  op: z.literal("flush"),
  g: z.string(),
  e: z.string().regex(EPOCH_PATTERN),
  fs: z.number().int().positive(),
  at: z.number(),
  bars: barsSchema.optional(),
  quotes: quotesSchema.optional(),
  gaps: z
    .array(
      z.tuple([
        z.string(),
        z.number(),
        z.number(),
        z.string(),
        z.string().nullable(),
        z.string().nullable(),
      ]),
    )
    .optional(),
  source: z.array(z.tuple([z.string(), z.string(), z.string(), z.string()])).optional(),
  man: z.array(manifestEntrySchema).optional(),
  next: z.number().optional(),
  rp: z.literal(1).optional(),
});
export type FlushFrame = z.infer<typeof flushFrameSchema>;

/**
 * Where to read what the socket does not bring: `urls` in their order (`url` is the first of them, and the
 * only one when there is no `urls`). From flush `join_fs` on the socket has everything.
 */
const handoffSchema = z.object({
  url: z.string(),
  urls: z.array(z.string()).max(8).optional(),
  join_fs: z.number().int().positive(),
});
export type Handoff = z.infer<typeof handoffSchema>;

/**
 * How one stream of a resume came out. A stream of quotes is always recovered, whatever the token says
 * of it: `snapshot` tells that the last quote of each symbol follows instead of a replay. What lay
 * between is not sent, for each of these quotes has replaced it.
 */
export const resumeResultSchema = z.object({
  g: z.string(),
  recovered: z.boolean(),
  snapshot: z.literal(true).optional(),
  from: z.number().optional(),
  to: z.number().optional(),
  code: z.number().optional(),
  handoff: handoffSchema.optional(),
});
export type ResumeResult = z.infer<typeof resumeResultSchema>;

/** What a server may send. */
export const serverFrameSchema = z.discriminatedUnion("op", [
  z.object({
    op: z.literal("hello"),
    v: z.literal(1),
    conn: z.string(),
    at: z.number(),
    limits: z.object({ symbols: z.number(), frame_bytes: z.number() }),
    hb: z.object({ send: z.string(), expect: z.string(), every_s: z.number(), dead_s: z.number() }),
    market: z.object({
      state: z.enum(["open", "pre", "post", "closed"]),
      next_data_by: z.number(),
    }),
  }),
  z.object({
    op: z.literal("ack"),
    id: requestIdSchema,
    subs: z.record(z.string(), z.object({ count: z.number(), hash: z.string() })),
    rejected: z.array(z.object({ symbol: z.string(), code: z.number() })),
    /** Where each followed stream stands: the token before the first live flush. */
    token: z.string(),
    resume: z.array(resumeResultSchema).optional(),
  }),
  flushFrameSchema,
  z.object({ op: z.literal("batch"), flushes: z.array(flushFrameSchema) }),
  z.object({
    op: z.literal("caught_up"),
    g: z.string(),
    fs: z.number(),
    count: z.number(),
    crc32c: z.string(),
  }),
  /**
   * The last quotes of a connection's symbols as of flush `fs`: they replace whatever the client knows
   * of the stream, and the next flush is `fs + 1`. Or the last bars, and a stream that begins with them
   * goes on at `fs + 1`; one that was followed before goes on where it was, and may bring the same bars.
   */
  z.object({
    op: z.literal("snapshot"),
    g: z.string(),
    e: z.string(),
    fs: z.number(),
    at: z.number(),
    bars: barsSchema.optional(),
    quotes: quotesSchema.optional(),
  }),
  /** The stream goes on in another epoch behind flush `fs`; what lies before it is handed off. */
  z.object({
    op: z.literal("epoch"),
    g: z.string(),
    e: z.string(),
    fs: z.number(),
    handoff: handoffSchema.optional(),
  }),
  /** The reader lags behind; with `closing` a close 4008 follows, and `token` is what it has acked. */
  z.object({
    op: z.literal("slow"),
    unacked_bytes: z.number(),
    age_ms: z.number(),
    closing: z.literal(true).optional(),
    token: z.string().optional(),
  }),
  z.object({
    op: z.literal("error"),
    id: requestIdSchema,
    code: z.number(),
    msg: z.string(),
    temporary: z.boolean(),
    retry_after_ms: z.number().optional(),
  }),
]);
export type ServerFrame = z.infer<typeof serverFrameSchema>;
