import { z } from "zod";
import { type Flush } from "../contracts/flush.ts";
import { channelSchema } from "../contracts/stream.ts";
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
const ATTACHMENT_VERSION = 2;

const sidsSchema = z.instanceof(Uint8Array);
const baseShape = {
  id: z.string(),
  firstOnly: z.boolean(),
  objects: z.boolean().default(false),
  /** Positions as a resume token: one text is cloned much faster than a list a stream. */
  token: z.string(),
};

/** Version 1 knew one channel. */
const attachmentSchema = z.union([
  z.object({
    ...baseShape,
    v: z.literal(ATTACHMENT_VERSION),
    channels: z.map(channelSchema, z.object({ star: z.boolean(), sids: sidsSchema })),
  }),
  z
    .object({ ...baseShape, v: z.literal(1), star: z.boolean(), sids: sidsSchema })
    .transform(({ star, sids, ...base }) => {
      const isEmpty = !star && countSids(sids) === 0;
      const channels = isEmpty
        ? NO_SUBSCRIPTION.channels
        : new Map([["bars.1m" as const, { star, sids }]]);
      return { ...base, channels };
    }),
]);

/**
 * One client's socket as its host knows it. Subscription and positions stand in the socket's
 * attachment (16 KB at most: a bitmap of sids a channel and an item a stream), so nothing is lost when the
 * object hibernates; the rest is rebuilt from it.
 */
export class Connection {
  readonly socket: WebSocket;
  readonly id: string;
  #subscription: Subscription;
  #positions: Map<string, Position>;
  #views = new Map<string, StreamView | null>();
  /** Streams that are being replayed or caught up: live flushes wait for that. */
  readonly busy = new Set<string>();
  /** Frames waiting to go out as one. */
  outbox: string[] = [];
  outboxChars = 0;

  constructor(
    socket: WebSocket,
    id: string,
    subscription = NO_SUBSCRIPTION,
    positions = new Map<string, Position>(),
  ) {
    this.socket = socket;
    this.id = id;
    this.#subscription = subscription;
    this.#positions = positions;
  }

  /** The connection of a socket that was accepted earlier; null when its attachment is not ours. */
  static restore(socket: WebSocket): Connection | null {
    const parsed = attachmentSchema.safeParse(socket.deserializeAttachment());
    if (!parsed.success) return null;
    const { id, firstOnly, objects, channels, token } = parsed.data;
    const positions = parseToken(token);
    return positions === null
      ? null
      : new Connection(socket, id, { channels, firstOnly, objects }, positions);
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
    this.#positions.set(stream, position);
  }

  leave(stream: string): void {
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
    const { channels, firstOnly, objects } = this.#subscription;
    const token = formatToken(this.#positions);
    this.socket.serializeAttachment({
      v: ATTACHMENT_VERSION,
      id: this.id,
      firstOnly,
      objects,
      channels,
      token,
    });
  }
}
