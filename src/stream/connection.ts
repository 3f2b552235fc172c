import { AckBook } from "./ack-book.ts";
import { decodeAcks, encodeAcks } from "./ack-codec.ts";
import { fixedText, parseAttachment, toAttachment } from "./attachment.ts";
import { Conduct } from "./conduct.ts";
import type { Recipient } from "./outbox.ts";
import {
  NO_SUBSCRIPTION,
  type RosterEntry,
  type StreamView,
  type Subscription,
  viewOf,
} from "./subscription.ts";
import { formatToken, parseToken, type Position, type StreamId } from "./token.ts";

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
export class Connection implements Recipient {
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
  /** The part of the attachment that only a subscription changes; null: to be made. */
  #fixed: string | null = null;
  #positions: Map<string, Position>;
  #views = new Map<
    string,
    { readonly roster: readonly RosterEntry[]; readonly view: StreamView | null }
  >();
  #isGone = false;
  sentCount = 0;
  failedCount = 0;
  /** Streams that are being replayed or caught up: live flushes wait for that. */
  readonly busy = new Set<string>();
  outbox: string[] = [];
  outboxChars = 0;
  isWaiting = false;

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

  /** The connection of a socket that was accepted earlier; null when its attachment is not ours. */
  static restore(socket: WebSocket): Connection | null {
    const known = parseAttachment(socket.deserializeAttachment());
    if (known === null) return null;
    const positions = parseToken(known.token);
    if (positions === null) return null;
    const { connectedMs } = known;
    const connection = new Connection(socket, known, known.subscription, positions);
    connection.heardMs = Math.max(known.heardMs, connectedMs);
    if (known.acks === null) return connection;
    const acks = decodeAcks(known.acks, positions, connectedMs);
    if (acks === null) return null;
    connection.acks = new AckBook();
    for (const [stream, acked] of acks) {
      const position = positions.get(stream);
      if (position !== undefined) connection.acks.restore(stream, position, acked);
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

  get subscription(): Subscription {
    return this.#subscription;
  }

  get positions(): ReadonlyMap<string, Position> {
    return this.#positions;
  }

  subscribe(subscription: Subscription): void {
    this.#subscription = subscription;
    this.#fixed = null;
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

  /** The view of a stream, from the home's roster; kept until either changes, which makes it another array. */
  view(
    stream: string,
    { class: streamClass }: StreamId,
    roster: readonly RosterEntry[],
  ): StreamView | null {
    const known = this.#views.get(stream);
    if (known !== undefined && known.roster === roster) return known.view;
    const view = viewOf(this.#subscription, streamClass, roster);
    this.#views.set(stream, { roster, view });
    return view;
  }

  /** Whether the next live flush of a stream is the one this connection waits for. */
  expects(stream: string, next: Position): "next" | "known" | "gap" | "epoch" | "not_followed" {
    const position = this.#positions.get(stream);
    if (position === undefined) return "not_followed";
    if (position.epoch !== next.epoch) return "epoch";
    if (next.fs <= position.fs) return "known";
    return next.fs === position.fs + 1 ? "next" : "gap";
  }

  /** Writes subscription and positions into the socket's attachment. */
  save(): void {
    if (this.#isGone) return;
    const { id, key, connectedMs, heardMs, acks } = this;
    this.#fixed ??= fixedText({ id, key, connectedMs, subscription: this.#subscription });
    const token = formatToken(this.#positions);
    const acked =
      acks === null ? null : encodeAcks(this.#positions, (stream) => acks.of(stream), connectedMs);
    this.socket.serializeAttachment(toAttachment(this.#fixed, { token, heardMs, acks: acked }));
  }
}
