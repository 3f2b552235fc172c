import { setTimeout as delay } from "node:timers/promises";
import { gapKindSchema } from "../../src/contracts/flush.ts";
import {
  type FlushFrame,
  type ResumeResult,
  type ServerFrame,
  serverFrameSchema,
} from "../../src/contracts/stream.ts";
import { Crc32c } from "../../src/stream/crc32c.ts";
import { formatToken, parseToken, type Position } from "../../src/stream/token.ts";
import type { StoredGap } from "./gap-events.ts";
import { followHandoff, type HandoffPart } from "./handoff.ts";

const RECONNECT_MS = 250;
/** So often in a row a client comes back without being let in, until it gives up. */
const MAX_RECONNECTS = 200;
/** A client pings this often, wall time; the service closes those that are silent for two minutes. */
const PING_EVERY_MS = 25_000;

/** What a client saw go wrong: each is a fault of the service, not of the network. */
export interface ClientFaults {
  /** Rows that came a second time: the same (symbol, ts, revision). */
  duplicates: number;
  /** Flush numbers that did not continue. */
  breaks: number;
  /** Replays whose count or checksum did not match. */
  badReplays: number;
  /** Manifest entries that do not add up. */
  badManifests: number;
  errors: string[];
}

/** A plain client of the stream: subscribes, checks continuity, and resumes by its token when it drops. */
export class StreamClient {
  readonly symbols: readonly string[];
  readonly received = new Set<string>();
  /** The most members of a stream that were ever said not to have traded in a minute: `stream ts`. */
  readonly mostNoTrade = new Map<string, number>();
  readonly faults: ClientFaults = {
    duplicates: 0,
    breaks: 0,
    badReplays: 0,
    badManifests: 0,
    errors: [],
  };
  resumes = 0;
  recovered = 0;
  /** Of the recovered: those whose replay was larger than a socket carries and was fetched over HTTP. */
  handedOff = 0;
  /** Kinds of the gap events that came. */
  readonly gapEvents: Pick<StoredGap, "kind">[] = [];
  flushes = 0;
  #url: () => string;
  #key: string;
  #socket: WebSocket | null = null;
  #positions = new Map<string, Position>();
  #replays = new Map<string, { crc: Crc32c; rows: number }>();
  /** Live frames of streams that are being fetched over HTTP; they are taken after it. */
  #held = new Map<string, FlushFrame[]>();
  #closing = false;
  #reconnects = 0;
  #subscribed: () => void = () => {};

  constructor(url: () => string, key: string, symbols: readonly string[]) {
    this.#url = url;
    this.#key = key;
    this.symbols = symbols;
  }

  /** Connects and subscribes, by token when it had left; resolves with the answer to the subscription. */
  async connect(): Promise<void> {
    this.#closing = false;
    const subscribed = new Promise<void>((resolve) => (this.#subscribed = resolve));
    this.#open();
    await subscribed;
  }

  /** Drops the socket and resumes by token. */
  async reconnect(): Promise<void> {
    const subscribed = new Promise<void>((resolve) => (this.#subscribed = resolve));
    this.#socket?.close();
    await subscribed;
  }

  close(): void {
    this.#closing = true;
    this.#socket?.close();
  }

  /** Closes the socket for a while; resolves when it is closed. */
  async leave(): Promise<void> {
    const socket = this.#socket;
    this.#closing = true;
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.close();
    await closed;
  }

  /** How far the client is, by stream. */
  get positions(): ReadonlyMap<string, Position> {
    return this.#positions;
  }

  #open(): void {
    const socket = new WebSocket(`${this.#url().replace(/^http/, "ws")}/v1/stream`, [
      "mds.v1",
      `key.${this.#key}`,
    ]);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      const resume = formatToken(this.#positions);
      this.#replays.clear();
      this.#held.clear();
      socket.send(
        JSON.stringify({
          op: "sub",
          id: 1,
          ch: ["bars.1m"],
          symbols: this.symbols,
          ...(resume === "" ? {} : { resume }),
        }),
      );
    });
    socket.addEventListener("message", (event) => this.#read(socket, String(event.data)));
    const beat = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send("ping");
    }, PING_EVERY_MS);
    beat.unref();
    socket.addEventListener("close", () => {
      clearInterval(beat);
      void this.#reopen(socket);
    });
    // A failed connection closes too; the close event acts.
    socket.addEventListener("error", () => {});
  }

  async #reopen(closed: WebSocket): Promise<void> {
    if (this.#closing) return;
    this.#reconnects += 1;
    if (this.#reconnects > MAX_RECONNECTS) {
      this.faults.errors.push("gave up reconnecting");
      // Whoever waits for it goes on: the run then ends with this fault.
      this.#subscribed();
      return;
    }
    await delay(RECONNECT_MS);
    if (!this.#closing && this.#socket === closed) this.#open();
  }

  #read(socket: WebSocket, text: string): void {
    if (text === "pong") return;
    const frame: ServerFrame = serverFrameSchema.parse(JSON.parse(text));
    switch (frame.op) {
      case "hello":
      // Told only to who asked to be measured by acks.
      case "slow":
        return;
      case "ack":
        return void this.#acked(socket, frame);
      case "flush":
        if (frame.rp === 1) this.#countReplayed(frame, text);
        return this.#receive(frame);
      case "batch":
        for (const flush of frame.flushes) this.#receive(flush);
        return;
      case "caught_up":
        return this.#verify(frame);
      case "snapshot":
        this.#positions.set(frame.g, { epoch: frame.e, fs: frame.fs, at: frame.at });
        return;
      case "epoch":
        return void this.#enter(socket, frame);
      case "error":
        this.faults.errors.push(`${frame.code} ${frame.msg}`);
    }
  }

  async #acked(socket: WebSocket, frame: Extract<ServerFrame, { op: "ack" }>): Promise<void> {
    this.#reconnects = 0;
    const results = frame.resume ?? [];
    for (const { g } of results) this.#replays.set(g, { crc: new Crc32c(), rows: 0 });
    this.resumes += results.length;
    this.recovered += results.filter((result) => result.recovered).length;
    const server = parseToken(frame.token) ?? new Map<string, Position>();
    if (frame.resume === undefined) {
      for (const [stream, position] of server) this.#positions.set(stream, position);
    }
    const handedOff = results.filter((result) => !result.recovered);
    for (const { g } of handedOff) this.#held.set(g, []);
    for (const result of handedOff) {
      await this.#follow(socket, result, server.get(result.g)?.epoch ?? "").catch(
        (error: unknown) =>
          this.faults.errors.push(`stream ${result.g} was not recovered: ${String(error)}`),
      );
    }
    if (this.#socket === socket) this.#subscribed();
  }

  /** A stream began a new life: what lies before its first flush there is fetched. */
  async #enter(socket: WebSocket, frame: Extract<ServerFrame, { op: "epoch" }>): Promise<void> {
    const { g, e, handoff } = frame;
    this.#held.set(g, []);
    await this.#follow(socket, { g, recovered: false, handoff }, e).catch((error: unknown) =>
      this.faults.errors.push(`stream ${g} was not followed to a new epoch: ${String(error)}`),
    );
  }

  /** Fetches what a socket would not carry, then takes the live frames that came meanwhile. */
  async #follow(socket: WebSocket, result: ResumeResult, epoch: string): Promise<void> {
    const { g, code, handoff } = result;
    if (handoff === undefined) throw new Error(`no hand-off, code ${code ?? ""}`);
    const parts = followHandoff({
      baseUrl: this.#url(),
      key: this.#key,
      symbols: this.symbols,
      url: handoff.url,
      joinFs: handoff.join_fs,
    });
    for await (const part of parts) {
      if (this.#socket !== socket) return;
      this.#takePart(part, g, { epoch, fs: handoff.join_fs - 1 });
    }
    if (this.#socket !== socket) return;
    if (code !== undefined) this.recovered += 1;
    this.handedOff += 1;
    const held = this.#held.get(g) ?? [];
    this.#held.delete(g);
    for (const frame of held) this.#take(frame);
  }

  #takePart(part: HandoffPart, g: string, until: Pick<Position, "epoch" | "fs">): void {
    if (part.kind === "flushes") {
      for (const frame of part.frames) this.#take(frame);
      return;
    }
    for (const { symbol, ts, revision } of part.beliefs)
      this.#takeRow(`${symbol} ${ts} ${revision}`);
    this.#positions.set(g, { ...until, at: part.untilMs });
  }

  #takeRow(key: string): void {
    if (this.received.has(key)) this.faults.duplicates += 1;
    this.received.add(key);
  }

  #countReplayed(frame: FlushFrame, text: string): void {
    const replay = this.#replays.get(frame.g);
    if (replay === undefined) return;
    replay.crc.update(text);
    replay.rows += frame.bars?.rows.length ?? 0;
  }

  #verify(frame: Extract<ServerFrame, { op: "caught_up" }>): void {
    const replay = this.#replays.get(frame.g);
    if (replay?.rows !== frame.count || replay.crc.digest() !== frame.crc32c)
      this.faults.badReplays += 1;
  }

  /** Takes a frame that came by the socket, or holds it while its stream is fetched over HTTP. */
  #receive(frame: FlushFrame): void {
    const held = this.#held.get(frame.g);
    if (held === undefined) this.#take(frame);
    else held.push(frame);
  }

  #take(frame: FlushFrame): void {
    this.flushes += 1;
    const before = this.#positions.get(frame.g);
    if (before !== undefined && (before.epoch !== frame.e || frame.fs !== before.fs + 1))
      this.faults.breaks += 1;
    this.#positions.set(frame.g, { epoch: frame.e, fs: frame.fs, at: frame.at });
    for (const row of frame.bars?.rows ?? []) this.#takeRow(`${row[0]} ${row[1]} ${row[9]}`);
    for (const [ts, expected, got, noTrade, missing, pending] of frame.man ?? []) {
      const key = `${frame.g} ${ts}`;
      this.mostNoTrade.set(key, Math.max(noTrade, this.mostNoTrade.get(key) ?? 0));
      if (expected !== got + noTrade + missing + pending) this.faults.badManifests += 1;
    }
    for (const [, , , kind] of frame.gaps ?? [])
      this.gapEvents.push({ kind: gapKindSchema.parse(kind) });
  }
}
