import { type ClientDeps, PLATFORM, pause } from "./client-deps.ts";
import type { FeedEvent, FeedState } from "./events.ts";
import { flushEvents, snapshotEvents } from "./flush-events.ts";
import { HandoffRunner } from "./handoff-runner.ts";
import { HistoryLoader, loadOf } from "./history.ts";
import { type ConnectOptions, readOptions, subscribeFrame, type Subscription } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { attemptDelayMs, nextAttempt } from "./reconnect.ts";
import { type Incoming, readMessage } from "./server-frame.ts";
import { FeedSocket, isFinalCode, type SocketOwner } from "./socket.ts";
import { StreamBook, type StreamStep } from "./stream-book.ts";
import type { Delivery, StreamInput } from "./stream-state.ts";
import { Upkeep } from "./upkeep.ts";

/** A close frame carries 123 bytes of reason at most (RFC 6455, section 5.5). */
const MAX_REASON_CHARS = 100;

/** One connection of a client. */
interface Connection {
  readonly id: number;
  /** Ends what was begun for it. */
  readonly over: AbortController;
  name: string;
  isAcknowledged: boolean;
  liveMs: number | null;
}

/**
 * A client of the stream: what it promises is in stream.md, "The client". It wires; what a frame means for a stream
 * is decided in `stream-state.ts`. Whatever this connection can't be trusted with ends it, and the next one resumes
 * from the last trusted position, so that every fault has the same remedy.
 */
export class Feed implements AsyncIterable<FeedEvent> {
  #options: ConnectOptions;
  #subscription: Subscription;
  #deps: ClientDeps;
  #streams: StreamBook;
  #outlet: Outlet;
  #history: HistoryLoader;
  #handoffs: HandoffRunner;
  #upkeep: Upkeep;
  #socket: FeedSocket;
  #connection: Connection | null = null;
  #connections = 0;
  #attempt = 0;
  #notBeforeMs = 0;
  /** The client itself is dropping its connection. */
  #isRenewing = false;
  #life = new AbortController();

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#subscription = readOptions(options);
    const { selection, origin, headers, positions } = this.#subscription;
    this.#deps = { ...PLATFORM, ...options.deps };
    this.#upkeep = new Upkeep({
      clock: this.#deps.clock,
      send: (text) => this.#socket.send(text),
      token: () => this.#outlet.ackToken(this.#streams.sent),
      onDead: (reason) => this.#drop(reason),
      onLate: (late) => this.#tell({ state: "late", ...late }),
    });
    this.#streams = new StreamBook(positions);
    this.#outlet = new Outlet(options, this.#subscription, (chars) => {
      if (options.ack !== false) this.#upkeep.took(chars);
    });
    const reading = { deps: this.#deps, origin, headers };
    this.#history = new HistoryLoader({
      selection,
      reading: { ...reading, signal: this.#life.signal },
      wasHanded: (stream, asOf) => this.#streams.wasHanded(stream, asOf),
      onBars: (stream, bars) => this.#takeHistory(stream, bars),
      onFailed: (href, reason) => this.#tell({ state: "history_failed", href, reason }),
    });
    this.#handoffs = new HandoffRunner({
      selection,
      reading,
      apply: (stream, act) => this.#perform(this.#streams.apply(stream, act)),
      room: () => this.#outlet.room(),
      onFailed: (reason) => this.#drop(reason),
    });
    this.#socket = new FeedSocket(this.#owner(), this.#deps);
  }

  /** The resume token of what the consumer has taken: an event counts once the next one is asked for. */
  get token(): string {
    return this.#outlet.token;
  }

  /** Ends the client. What waits in the iterator's queue is discarded: `token` stands before it. */
  close(): void {
    this.#end({ reason: "closed by the client", code: null, isAbandoned: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<FeedEvent, undefined> {
    return this.#outlet.iterate(() => this.close());
  }

  #owner(): SocketOwner {
    return {
      protocols: this.#subscription.protocols,
      address: () => this.#address(),
      onOpen: () => this.#opened(),
      onMessage: (data) => this.#received(data),
      onClose: (code, reason) => this.#closed(code, reason),
    };
  }

  /** Waits for its turn and gives the address. It never rejects: an attempt without a ticket is one that failed. */
  async #address(): Promise<string> {
    const { clock, random } = this.#deps;
    const { signal } = this.#life;
    const url = new URL("/v1/stream", this.#subscription.origin.replace(/^http/, "ws"));
    while (!signal.aborted) {
      const delayMs = attemptDelayMs(this.#attempt, random);
      await pause(clock, Math.max(delayMs, this.#notBeforeMs - clock.now()), signal);
      await this.#outlet.room();
      if (signal.aborted) break;
      this.#tell({ state: "connecting", attempt: this.#attempt });
      this.#attempt += 1;
      const ticket = await this.#ticket();
      if (ticket !== null) {
        if (ticket !== "") url.searchParams.set("ticket", ticket);
        break;
      }
    }
    return url.href;
  }

  /** A ticket; empty when a key is used instead, null when there is none to be had. */
  async #ticket(): Promise<string | null> {
    const { getTicket } = this.#options;
    if (getTicket === undefined) return "";
    try {
      return await getTicket();
    } catch (error) {
      const why = error instanceof Error ? error.message : "no answer";
      this.#tell({ state: "resuming", reason: `no ticket: ${why}`, code: null });
      return null;
    }
  }

  #opened(): void {
    this.#connections += 1;
    const id = this.#connections;
    this.#connection = {
      id,
      over: new AbortController(),
      name: "",
      isAcknowledged: false,
      liveMs: null,
    };
    this.#upkeep.begin();
    this.#upkeep.awaitAnswer("the subscription was not answered");
    this.#socket.send(subscribeFrame(this.#options, this.#streams.token, id));
  }

  #received(data: unknown): void {
    const connection = this.#connection;
    if (connection === null) return;
    const incoming = readMessage(data, this.#upkeep.pong);
    switch (incoming.kind) {
      case "pong":
        return this.#upkeep.takePong();
      case "ignored":
        return;
      case "broken":
        return this.#drop(incoming.why);
      case "hello":
        connection.name = incoming.frame.conn;
        return this.#upkeep.greet(incoming.frame);
      case "ack":
        return this.#acknowledged(connection, incoming);
      case "error":
        return this.#refused(connection, incoming.frame);
      case "flushes":
        for (const flush of incoming.flushes) {
          // A fault in the middle of a batch ends the connection, and with it the rest.
          if (this.#connection !== connection) return;
          this.#upkeep.noteFlush(flush.frame);
          this.#take(flush.frame.g, { kind: "flush", ...flush });
        }
        return;
      case "caught_up":
        this.#upkeep.noteReplayEnd(incoming.frame.g);
        return this.#take(incoming.frame.g, { kind: "caught_up", ...incoming.frame });
      case "snapshot":
        return this.#take(incoming.frame.g, incoming);
      case "epoch": {
        const { g, e: epoch, fs, handoff = null } = incoming.frame;
        return this.#take(g, { kind: "epoch", epoch, fs, handoff });
      }
    }
  }

  #acknowledged(connection: Connection, ack: Extract<Incoming, { kind: "ack" }>): void {
    if (ack.frame.id !== connection.id || connection.isAcknowledged) return;
    const { from } = this.#options;
    const steps = this.#streams.resume(ack, typeof from === "number" ? from : null);
    if (steps === null) return this.#drop("a subscription was answered without a token");
    connection.isAcknowledged = true;
    this.#upkeep.followed(this.#streams.followedBars);
    this.#tell({ state: "open", connection: connection.name, rejected: ack.frame.rejected });
    for (const each of steps) if (this.#connection === connection) this.#perform(each);
  }

  #refused(connection: Connection, frame: Extract<Incoming, { kind: "error" }>["frame"]): void {
    if (frame.id !== connection.id) return;
    const reason = `${frame.code} ${frame.msg}`;
    if (!frame.temporary) return this.#end({ reason, code: frame.code, isAbandoned: false });
    this.#notBeforeMs = this.#deps.clock.now() + (frame.retry_after_ms ?? 0);
    this.#drop(reason);
  }

  #take(stream: string, input: StreamInput): void {
    const taken = this.#streams.take(stream, input);
    if (taken === null) this.#drop("a frame of a stream that was not subscribed");
    else this.#perform(taken);
  }

  #perform(taken: StreamStep | null): void {
    const connection = this.#connection;
    if (taken === null || connection === null) return;
    const { stream, step } = taken;
    for (const delivery of step.deliveries) this.#deliver(stream, delivery);
    // A callback may have closed the client.
    if (this.#connection !== connection) return;
    if (step.fault !== null) return this.#drop(step.fault);
    if (step.handoff !== null) {
      const { handoff, state } = step;
      this.#tell({ state: "handed_off", stream, url: handoff.url });
      this.#handoffs.follow({ stream, handoff, state, signal: connection.over.signal });
    }
    if (this.#isLagging()) return this.#drop("the consumer lags");
    this.#follow(connection);
  }

  /** Arms what depends on how the streams stand. */
  #follow(connection: Connection): void {
    const isSettled = connection.isAcknowledged && !this.#streams.isBusy;
    if (isSettled && connection.liveMs === null) {
      connection.liveMs = this.#deps.clock.now();
      this.#tell({ state: "live" });
    }
    if (this.#streams.isReplaying) this.#upkeep.awaitAnswer("a replay stopped");
    else this.#upkeep.answered();
  }

  #deliver(stream: string, delivery: Delivery): void {
    const { selection } = this.#subscription;
    const { position } = delivery;
    const events: readonly FeedEvent[] =
      delivery.kind === "flush"
        ? flushEvents(delivery.frame, selection, delivery)
        : delivery.kind === "snapshot"
          ? snapshotEvents(delivery.frame, selection)
          : delivery.bars;
    // What came over HTTP or as a snapshot is acknowledged, too; a first position is nothing to acknowledge.
    const chars = delivery.kind === "flush" ? delivery.chars : events.length;
    this.#outlet.push({ events, stream, position, chars });
    if (this.#options.history !== true) return;
    for (const event of events) {
      const load = event.type === "gap" ? loadOf(event, stream) : null;
      if (load !== null) this.#history.add(load);
    }
  }

  async #takeHistory(stream: string, bars: readonly FeedEvent[]): Promise<void> {
    const position = this.#streams.get(stream)?.position;
    if (position === undefined || bars.length === 0) return;
    this.#outlet.push({ events: bars, stream, position, chars: 0 });
    await this.#outlet.room();
  }

  #isLagging(): boolean {
    return this.#outlet.isFull || this.#history.isFull;
  }

  /** Ends this connection; the next one resumes. */
  #drop(reason: string): void {
    if (this.#connection === null) return;
    this.#leave();
    this.#tell({ state: "resuming", reason, code: null });
    // Told here: a socket that is closing already would say nothing more.
    this.#isRenewing = true;
    this.#socket.renew(reason.slice(0, MAX_REASON_CHARS));
    this.#isRenewing = false;
  }

  #closed(code: number, reason: string): void {
    if (this.#isRenewing || this.#life.signal.aborted) return;
    if (isFinalCode(code))
      return this.#end({ reason: reason || "closed by the service", code, isAbandoned: false });
    this.#leave();
    this.#tell({ state: "resuming", reason: reason || "the connection was lost", code });
  }

  /** Forgets the connection; what it left unfinished is resumed by the next one. */
  #leave(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#upkeep.end();
    this.#streams.detach();
    if (connection === null) return;
    connection.over.abort();
    this.#attempt = nextAttempt(this.#attempt, connection.liveMs, this.#deps.clock.now());
  }

  #end(how: {
    readonly reason: string;
    readonly code: number | null;
    readonly isAbandoned: boolean;
  }): void {
    if (this.#life.signal.aborted) return;
    this.#life.abort();
    this.#leave();
    this.#socket.close();
    this.#outlet.close(how.isAbandoned);
    this.#tell({ state: "closed", reason: how.reason, code: how.code });
  }

  #tell(state: FeedState): void {
    this.#outlet.tell(state);
  }
}
