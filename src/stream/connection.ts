import { z } from "zod";
import { type Flush } from "../contracts/flush.ts";
import { channelSchema } from "../contracts/stream.ts";
import { AckBook } from "./ack-book.ts";
import { decodeAcks, encodeAcks } from "./ack-codec.ts";
import { Conduct } from "./conduct.ts";
import {
  countSids,
  NO_SUBSCRIPTION,
  type RosterEntry,
  type StreamView,
  type Subscription,
  viewOf,
} from "./subscription.ts";
import { formatToken, parseToken, type Position, type StreamId, streamName } from "./token.ts";

/** Version of the attachment: what a socket carries through hibernation. */
const ATTACHMENT_VERSION = 3;

const sidsSchema = z.instanceof(Uint8Array);
const baseShape = {
  id: z.string(),
  firstOnly: z.boolean(),
  objects: z.boolean().default(false),
  /** Positions as a resume token: one text is cloned much faster than a list a stream. */
  token: z.string(),
};

const channelsSchema = z.map(channelSchema, z.object({ star: z.boolean(), sids: sidsSchema }));

/** What versions 1 and 2 did not know: whose it is, since when, and what is acked. */
const NEW_IN_3 = { key: "", connectedMs: null, heardMs: 0, acks: null };

/** Version 1 knew one channel, version 2 no acks. */
const attachmentSchema = z.union([
  z.object({
    ...baseShape,
    v: z.literal(ATTACHMENT_VERSION),
    channels: channelsSchema,
    key: z.string(),
    connectedMs: z.number(),
    heardMs: z.number(),
    /** As `encodeAcks` writes them; null: the client does not ack. */
    acks: z.instanceof(Uint8Array).nullable(),
  }),
  z
    .object({ ...baseShape, v: z.literal(2), channels: channelsSchema })
    .transform((known) => ({ ...known, ...NEW_IN_3 })),
  z
    .object({ ...baseShape, v: z.literal(1), star: z.boolean(), sids: sidsSchema })
    .transform(({ star, sids, ...base }) => {
      const isEmpty = !star && countSids(sids) === 0;
      const channels = isEmpty
        ? NO_SUBSCRIPTION.channels
        : new Map([["bars.1m" as const, { star, sids }]]);
      return { ...base, channels, ...NEW_IN_3 };
    }),
]);

/** Whose a connection is and since when, wall ms. */
export interface ConnectionOrigin {
  readonly id: string;
  /** The key that it was authorised by, by its id. */
  readonly key: string;
  readonly connectedMs: number;
}

/**
 * One client's socket as its host knows it. Subscription and positions stand in the socket's
 * attachment (16 KB at most: a bitmap of sids a channel, an item and an ack a stream), so nothing is lost
 * when the object hibernates; the rest is rebuilt from it.
 */
export class Connection {
  readonly socket: WebSocket;
  readonly id: string;
  readonly key: string;
  readonly connectedMs: number;
  /** When its client last sent a frame, wall ms; pings are the runtime's to know. */
  heardMs: number;
  /** What it has acked; null: it did not ask to be measured so. */
  acks: AckBook | null = null;
  /** It was told that it is slow and has not recovered. */
  isSlow = false;
  readonly conduct = new Conduct();
  #subscription: Subscription;
  #positions: Map<string, Position>;
  #views = new Map<string, StreamView | null>();
  #isGone = false;
  #tally = { sent: 0, failed: 0 };
  /** Streams that are being replayed or caught up: live flushes wait for that. */
  readonly busy = new Set<string>();
  /** Frames waiting to go out as one. */
  outbox: string[] = [];
  outboxChars = 0;

  constructor(
    socket: WebSocket,
    { id, key, connectedMs }: ConnectionOrigin,
    subscription = NO_SUBSCRIPTION,
    positions = new Map<string, Position>(),
  ) {
    this.socket = socket;
    this.id = id;
    this.key = key;
    this.connectedMs = connectedMs;
    this.heardMs = connectedMs;
    this.#subscription = subscription;
    this.#positions = positions;
  }

  /**
   * The connection of a socket that was accepted earlier; null when its attachment is not ours. One of
   * a version that did not tell when it connected did so now.
   */
  static restore(socket: WebSocket, nowMs: number): Connection | null {
    const parsed = attachmentSchema.safeParse(socket.deserializeAttachment());
    if (!parsed.success) return null;
    const { id, key, firstOnly, objects, channels, token } = parsed.data;
    const positions = parseToken(token);
    if (positions === null) return null;
    const connectedMs = parsed.data.connectedMs ?? nowMs;
    const origin = { id, key, connectedMs };
    const subscription = { channels, firstOnly, objects };
    const connection = new Connection(socket, origin, subscription, positions);
    connection.heardMs = Math.max(parsed.data.heardMs, connectedMs);
    if (parsed.data.acks === null) return connection;
    const acks = decodeAcks(parsed.data.acks, positions, connectedMs);
    if (acks === null) return null;
    connection.acks = new AckBook();
    for (const [stream, known] of acks) {
      const position = positions.get(stream);
      if (position !== undefined) connection.acks.restore(stream, position, known);
    }
    return connection;
  }

  /** Measures the reader by acks from here on, or no longer. */
  wantAcks(wants: boolean): void {
    if (wants === (this.acks !== null)) return;
    this.acks = wants ? new AckBook() : null;
    for (const [stream, position] of this.#positions) this.acks?.start(stream, position);
  }

  /** It is over: nothing is wanted, waits or is kept any more. */
  end(): void {
    this.#isGone = true;
    this.#positions.clear();
    this.outbox = [];
    this.outboxChars = 0;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** A frame was handed to the socket, or the socket did not take it. */
  tally(outcome: "sent" | "failed"): void {
    this.#tally[outcome] += 1;
  }

  /** What was sent and what failed since the last time this was asked. */
  takeTally(): { readonly sent: number; readonly failed: number } {
    const tally = this.#tally;
    this.#tally = { sent: 0, failed: 0 };
    return tally;
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  get positions(): ReadonlyMap<string, Position> {
    return this.#positions;
  }

  subscribe(subscription: Subscription): void {
    this.#subscription = subscription;
    this.#views.clear();
  }

  moveTo(stream: string, position: Position): void {
    if (this.#isGone) return;
    this.#positions.set(stream, position);
    if (this.acks?.has(stream) === false) this.acks.start(stream, position);
  }

  leave(stream: string): void {
    const position = this.#positions.get(stream);
    if (position !== undefined) this.acks?.leave(stream, position);
    this.#positions.delete(stream);
  }

  /** The view of a stream, from the home's roster; kept until either changes. */
  view(stream: StreamId, roster: readonly RosterEntry[]): StreamView | null {
    const key = `${streamName(stream)}:${roster.length}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view = viewOf(this.#subscription, stream.class, roster);
    this.#views.set(key, view);
    return view;
  }

  /** Whether the next live flush of a stream is the one this connection waits for. */
  expects(stream: string, flush: Flush): "next" | "known" | "gap" | "epoch" | "not_followed" {
    const position = this.#positions.get(stream);
    if (position === undefined) return "not_followed";
    if (position.epoch !== flush.epoch) return "epoch";
    if (flush.fs <= position.fs) return "known";
    return flush.fs === position.fs + 1 ? "next" : "gap";
  }

  /** Writes subscription and positions into the socket's attachment. */
  save(): void {
    if (this.#isGone) return;
    const { channels, firstOnly, objects } = this.#subscription;
    const token = formatToken(this.#positions);
    this.socket.serializeAttachment({
      v: ATTACHMENT_VERSION,
      id: this.id,
      firstOnly,
      objects,
      channels,
      token,
      key: this.key,
      connectedMs: this.connectedMs,
      heardMs: this.heardMs,
      acks:
        this.acks === null
          ? null
          : encodeAcks(
              this.#positions,
              (stream) => this.acks?.of(stream) ?? null,
              this.connectedMs,
            ),
    });
  }
}
