import type { LoggedFlush, StreamClass } from "../contracts/flush.ts";
import type { EpochMs } from "../domain/time.ts";
import { log } from "../platform/log.ts";
import { CLOSE_CODES } from "../contracts/stream.ts";
import { Connection } from "./connection.ts";
import { framesOf } from "./flush-cache.ts";
import { type FrameCache, snapshotFrame } from "./frames.ts";
import { diffUrls, handoffOf } from "./handoff.ts";
import type { Delivery, DeliveryAnswer } from "./delivery.ts";
import type { HomePort } from "./home-port.ts";
import { Outbox, sendText } from "./outbox.ts";
import { type Leftover, ReaderWatch, type WatchDeps } from "./reader-watch.ts";
import type { Rosters } from "./rosters.ts";
import type { RosterEntry } from "./subscription.ts";
import { isBeyond, parseStreamName, type StreamId, streamName } from "./token.ts";

/** One read of a home's log while catching up. */
const CATCH_UP_BYTES = 1_024 * 1_024;
/** A log holds 50 MB of what has drained: more reads than this are a connection that cannot follow. */
const MAX_CATCH_UP_READS = 200;
/** A snapshot that is old when it arrives is taken again; so many are old only when nothing works. */
const MAX_SNAPSHOTS = 20;

/** A flush that went out: of what, and when the answer behind it arrived, wall ms. */
export interface Published {
  readonly class: StreamClass;
  readonly receivedAt: number;
}

/** What the host side needs of its object: its sockets, the homes it follows, and short timers. */
export interface HostDeps extends WatchDeps {
  /** The name under which homes know this host. */
  readonly name: string;
  readonly sockets: () => WebSocket[];
  readonly home: (group: number) => HomePort;
  readonly rosters: Rosters;
  /** Keeps the object alive for a piece of work and counts it as in flight. */
  readonly track: (work: Promise<void>) => void;
  /** A timer that is known to be short: it keeps the object awake while it runs. */
  readonly after: (delayMs: number, act: () => void) => void;
  /** Flushes went out to their sockets. */
  readonly onPublished: (published: readonly Published[]) => void;
}

/**
 * The host side of a symbol group: the connections that live here, whatever group their symbols
 * belong to. It keeps no position of its own: every connection has its own, and whatever does not
 * continue it is read from the home's log.
 */
export class StreamHost {
  readonly outbox: Outbox<Connection>;
  readonly watch: ReaderWatch;
  readonly deps: HostDeps;
  #connections = new Map<WebSocket, Connection>();
  /** Streams that a subscription is just about to follow. */
  #pending = new Map<string, number>();
  #heads = new Map<string, { epoch: string; fs: number }>();
  /** When the silence of a stream becomes a fault, market ms: by the last flush that came. */
  #dueBy = new Map<string, EpochMs>();
  #published: Published[] = [];

  constructor(deps: HostDeps) {
    this.deps = deps;
    this.outbox = new Outbox({
      after: deps.after,
      onSettled: (connection) => {
        this.watch.look(connection);
        connection.save();
      },
      onSent: () => this.#reportPublished(),
    });
    this.watch = new ReaderWatch(deps, (...how) => this.close(...how));
    for (const socket of deps.sockets()) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const connection = Connection.restore(socket);
      if (connection === null) socket.close(1011, "unknown attachment");
      else this.#connections.set(socket, connection);
    }
  }

  add(connection: Connection): void {
    this.#connections.set(connection.socket, connection);
    connection.save();
  }

  find(socket: WebSocket): Connection | null {
    return this.#connections.get(socket) ?? null;
  }

  /** The client went away. */
  remove(socket: WebSocket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) this.#end(connection, "client", "client_gone");
  }

  /** Ends a connection from this side; it is gone at once, whenever its client answers. */
  close(connection: Connection, code: number, reason: string, leftover: Leftover): void {
    if (connection.isGone) return;
    if (leftover === "sent") this.outbox.send(connection);
    this.#end(connection, String(code), leftover);
    // A socket that is closing may still be listed when the object wakes.
    connection.socket.serializeAttachment(null);
    connection.socket.close(code, reason);
  }

  #end(connection: Connection, code: string, reason: string): void {
    const dropped = this.outbox.discard(connection);
    this.watch.ended(connection, code, { reason, dropped });
    this.#connections.delete(connection.socket);
    connection.end();
  }

  count(): number {
    return this.#connections.size;
  }

  connections(): Connection[] {
    return [...this.#connections.values()];
  }

  /** Streams that some connection here follows. */
  followedStreams(): StreamId[] {
    const names = new Set<string>();
    for (const connection of this.#connections.values()) {
      for (const name of connection.positions.keys()) names.add(name);
    }
    return Array.from(names, parseStreamName).filter((stream) => stream !== null);
  }

  /**
   * Keeps the interest in some streams alive while a subscription to them is being made: a delivery in
   * between must not be answered with "nobody wants this".
   */
  async whileInterested<T>(streams: readonly StreamId[], act: () => Promise<T>): Promise<T> {
    const names = streams.map(streamName);
    for (const name of names) this.#pending.set(name, (this.#pending.get(name) ?? 0) + 1);
    try {
      return await act();
    } finally {
      for (const name of names) this.#pending.set(name, (this.#pending.get(name) ?? 1) - 1);
    }
  }

  /** Follows a stream, so that `headFs` of the answer and what comes after reach this host. */
  async follow(stream: StreamId) {
    const { group } = stream;
    const known = this.deps.rosters.known(group);
    const answer = await this.deps.home(group).follow(stream.class, this.deps.name, known);
    this.deps.rosters.extend(group, answer.rosterEpoch, answer.rosterFrom, answer.roster);
    return answer;
  }

  /** Takes flushes of a home in and passes them on; says whether anybody here still wants them. */
  async deliver(delivery: Delivery): Promise<DeliveryAnswer> {
    const id: StreamId = { group: delivery.home, class: delivery.class };
    const stream = streamName(id);
    const last = delivery.flushes.at(-1);
    if (last !== undefined) this.#heads.set(stream, { epoch: delivery.epoch, fs: last.fs });
    const following = this.#following(stream);
    log("debug", "flushes were delivered", {
      host: this.deps.name,
      stream,
      epoch: delivery.epoch,
      fs_from: delivery.flushes[0]?.fs ?? null,
      fs_to: last?.fs ?? null,
      connections: following.length,
    });
    if (following.length > 0) {
      const known = this.deps.rosters.known(delivery.home);
      const { roster } = delivery;
      const isOld = known.epoch !== roster.epoch || known.length < roster.length;
      if (isOld) await this.follow(id);
      // Who began to follow meanwhile is sent them, too.
      const followers = isOld ? this.#following(stream) : following;
      for (const { payload } of delivery.flushes)
        this.#publish(stream, framesOf(payload), followers);
    }
    return { interested: following.length > 0 || (this.#pending.get(stream) ?? 0) > 0 };
  }

  /**
   * Follows those streams again that have been silent for longer than their last flush allowed, or of
   * which nothing is known since this object woke, and reads what did not arrive by itself.
   */
  async sweep(nowMs: EpochMs): Promise<void> {
    this.watch.sweep(this.connections());
    const silent = this.followedStreams().filter(
      (id) => nowMs > (this.#dueBy.get(streamName(id)) ?? 0),
    );
    await Promise.allSettled(
      silent.map(async (id) => {
        const stream = streamName(id);
        const { epoch, headFs, nextMs } = await this.follow(id);
        this.#heads.set(stream, { epoch, fs: headFs });
        this.#dueBy.set(stream, nextMs);
        for (const connection of this.#following(stream)) this.catchUp(connection, stream);
      }),
    );
  }

  /** Brings a connection to the head of a stream in the background: quotes by their last ones. */
  catchUp(connection: Connection, stream: string): void {
    const id = parseStreamName(stream);
    if (id === null || connection.busy.has(stream) || !this.#isBehind(connection, stream)) return;
    const act = () =>
      id.class === "quotes"
        ? this.#snapshot(connection, stream, id)
        : this.#readToHead(connection, stream, id);
    // What failed is due again at the next sweep, however long the stream may be silent.
    const onFailure = () => void this.#dueBy.delete(stream);
    this.deps.track(whileBusy(connection, stream, act, onFailure));
  }

  /** Sends the last quotes of a home, which were promised, in the background, and goes on behind them. */
  sendSnapshot(connection: Connection, stream: string): void {
    const id = parseStreamName(stream);
    if (id === null || connection.busy.has(stream)) return;
    const act = () => this.#snapshot(connection, stream, id);
    // Its position does not say that they lack; who resumes is promised them anew.
    const onFailure = () =>
      this.close(connection, CLOSE_CODES.lostPosition, "the last quotes could not be read", "sent");
    this.deps.track(whileBusy(connection, stream, act, onFailure));
  }

  async #snapshot(connection: Connection, stream: string, id: StreamId): Promise<void> {
    for (let tries = 0; tries < MAX_SNAPSHOTS; tries += 1) {
      const snapshot = await this.deps.home(id.group).latestQuotes();
      const view = connection.view(stream, id, this.deps.rosters.of(id.group));
      if (view === null || !connection.positions.has(stream)) return;
      this.outbox.send(connection);
      const frame = snapshotFrame(id.group, snapshot, view);
      sendText(connection, frame);
      const { epoch, fs, at } = snapshot;
      connection.moveTo(stream, { epoch, fs, at });
      connection.acks?.sent(stream, { epoch, fs, at }, frame.length, this.watch.now());
      this.watch.look(connection);
      connection.save();
      // In this turn, so that no flush is skipped between the last look and the end of the work.
      if (!this.#isBehind(connection, stream)) return void connection.busy.delete(stream);
    }
    this.close(connection, CLOSE_CODES.lostPosition, "the last quotes could not be caught", "sent");
  }

  async #readToHead(connection: Connection, stream: string, id: StreamId): Promise<void> {
    for (let reads = 0; reads < MAX_CATCH_UP_READS; reads += 1) {
      const position = connection.positions.get(stream);
      if (position === undefined) return;
      const slice = await this.deps.home(id.group).readLog(id.class, position.fs, CATCH_UP_BYTES);
      if (slice.epoch !== position.epoch) {
        await this.#enterEpoch(connection, stream, id);
        continue;
      }
      if (slice.flushes.length === 0) {
        if (this.#isBehind(connection, stream)) continue;
        // In this turn, so that no flush is skipped between the last look and the end of the work.
        connection.busy.delete(stream);
        return;
      }
      if (!this.#send(connection, stream, slice.flushes)) break;
    }
    this.close(
      connection,
      CLOSE_CODES.lostPosition,
      "the position is no longer in the log",
      "sent",
    );
  }

  #isBehind(connection: Connection, stream: string): boolean {
    const head = this.#heads.get(stream);
    const position = connection.positions.get(stream);
    if (head === undefined || position === undefined) return false;
    // A head that was heard of last before the stream began anew is no reason to look for it.
    return isBeyond(head, position);
  }

  #send(connection: Connection, stream: string, flushes: readonly LoggedFlush[]): boolean {
    for (const logged of flushes) {
      const frames = framesOf(logged.payload);
      const expected = connection.expects(stream, frames.position);
      if (expected === "gap" || expected === "epoch") return false;
      if (expected === "next")
        this.#push(connection, stream, frames, this.deps.rosters.of(frames.flush.group));
    }
    return true;
  }

  #publish(stream: string, frames: FrameCache, followers: readonly Connection[]): void {
    const { flush, position } = frames;
    const roster = this.deps.rosters.of(flush.group);
    for (const connection of followers) {
      if (connection.busy.has(stream)) continue;
      const expected = connection.expects(stream, position);
      if (expected === "next") this.#push(connection, stream, frames, roster);
      else if (expected === "gap" || expected === "epoch") this.catchUp(connection, stream);
    }
    if (flush.next !== null) this.#dueBy.set(stream, flush.next);
    if (flush.received_at > 0)
      this.#published.push({ class: flush.class, receivedAt: flush.received_at });
  }

  #push(
    connection: Connection,
    stream: string,
    frames: FrameCache,
    roster: readonly RosterEntry[],
  ): void {
    const { flush, position } = frames;
    const view = connection.view(stream, flush, roster);
    connection.moveTo(stream, position);
    if (view === null) return this.outbox.touch(connection);
    const { text } = frames.frame(view);
    connection.acks?.sent(stream, position, text.length, this.watch.now());
    this.outbox.push(connection, text);
  }

  /** The stream began a new life: the connection goes on in it behind what is in Postgres. */
  async #enterEpoch(connection: Connection, stream: string, id: StreamId): Promise<void> {
    const before = connection.positions.get(stream);
    if (before === undefined) return;
    const point = await this.deps.home(id.group).drainPoint(before.epoch, before.fs);
    const view = connection.view(stream, id, this.deps.rosters.of(id.group));
    if (view === null || !connection.positions.has(stream)) return;
    const urls = diffUrls({ stream, group: id.group, view }, before.at, point.at);
    const handoff = handoffOf(urls, point.fs + 1);
    this.outbox.send(connection);
    sendText(
      connection,
      JSON.stringify({ op: "epoch", g: stream, e: point.epoch, fs: point.fs, handoff }),
    );
    connection.moveTo(stream, point);
    connection.save();
  }

  #following(stream: string): Connection[] {
    const following: Connection[] = [];
    for (const connection of this.#connections.values()) {
      if (connection.positions.has(stream)) following.push(connection);
    }
    return following;
  }

  /** Frames went out: what they count is counted before the object may hibernate. */
  #reportPublished(): void {
    this.watch.countSent(this.#connections.values());
    const published = this.#published;
    this.#published = [];
    if (published.length > 0) this.deps.onPublished(published);
  }
}

/** Does something for a stream while its live flushes wait. */
async function whileBusy(
  { busy }: Connection,
  stream: string,
  act: () => Promise<void>,
  onFailure: () => void,
): Promise<void> {
  busy.add(stream);
  try {
    await act();
  } catch (error) {
    onFailure();
    throw error;
  } finally {
    busy.delete(stream);
  }
}
