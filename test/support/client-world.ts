import { z } from "zod";
import type { ClientDeps, HttpAnswer, SocketClass } from "../../src/client/index.ts";
import { AckBook } from "../../src/stream/ack-book.ts";
import { formatToken, parseToken, type Position } from "../../src/stream/token.ts";
import { flushText, type KeptStream, type Row, trailerText, viewOf } from "./kept-stream.ts";

/** What a client sends, as far as this service looks at it. */
const requestSchema = z.looseObject({
  op: z.string(),
  id: z.number().optional(),
  resume: z.string().optional(),
  from: z.union([z.string(), z.number()]).optional(),
  token: z.string().optional(),
});
type Request = z.infer<typeof requestSchema>;

/** The request in a client's text. */
export function readRequest(text: string): Request {
  return requestSchema.parse(JSON.parse(text));
}

class SocketClosed extends Event {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string) {
    super("close");
    this.code = code;
    this.reason = reason;
  }
}

/** A client's socket with the service at the other end of it. */
export class FakeSocket extends EventTarget {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly received: string[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = "blob";
  /** Streams that this connection follows, and how far they were sent. */
  readonly positions = new Map<string, Position>();
  /** What was acknowledged of them, as the service itself keeps it. */
  readonly acks = new AckBook();

  constructor(world: ClientWorld, url: string, protocols: readonly string[]) {
    super();
    this.url = url;
    this.protocols = protocols;
    setTimeout(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
      world.greet(this);
    }, 1);
    world.sockets.push(this);
    this.#world = world;
  }

  #world: ClientWorld;

  send(text: string): void {
    this.received.push(text);
    queueMicrotask(() => this.#world.receive(this, text));
  }

  close(): void {
    this.readyState = 3;
  }

  /** What the service sends reaches the client. */
  push(text: string): void {
    if (this.readyState === 1) this.dispatchEvent(new MessageEvent("message", { data: text }));
  }

  /** The service closes the connection. */
  end(code: number, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(new SocketClosed(code, reason));
  }
}

/** How the service hands off what it does not replay on the socket. */
export type HandoffStyle = "diff" | "replay";

/** The service as a client sees it: honest, unless `mangle` makes something else of what it sends. */
export class ClientWorld {
  readonly streams: KeptStream[];
  readonly sockets: FakeSocket[] = [];
  readonly fetched: string[] = [];
  readonly asked: Request[] = [];
  /** Tokens of acknowledgements that the service did not take. */
  readonly refused: string[] = [];
  answersPing = true;
  /** A replay of more flushes than these is handed off to HTTP. */
  maxReplay = Infinity;
  pageRows = 3;
  /** When the greeting says that data is due. */
  nextDataBy = Number.MAX_SAFE_INTEGER;
  /** The database is ahead of what the service knows to be drained: a diff and the replay behind it overlap. */
  diffsOverlap = false;
  /** What becomes of a text on its way to a socket. */
  mangle: (socket: FakeSocket, text: string) => void = (socket, text) => socket.push(text);
  /** What becomes of a request; null: it is answered. */
  failFetch: () => HttpAnswer | null = () => null;

  constructor(streams: readonly KeptStream[]) {
    this.streams = [...streams];
  }

  get deps(): Partial<ClientDeps> {
    const open = (url: string, protocols?: string[]) => new FakeSocket(this, url, protocols ?? []);
    class Socket extends EventTarget {
      constructor(url: string, protocols?: string[]) {
        super();
        return open(url, protocols);
      }
    }
    const socketClass: SocketClass = Socket;
    return {
      socketClass,
      random: () => 0.5,
      fetch: async (url) => {
        this.fetched.push(url);
        return this.failFetch() ?? this.#answer(new URL(url));
      },
    };
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nobody has connected");
    return socket;
  }

  /** The token of a client that has all that is there now. */
  token(): string {
    return formatToken(this.streams.map((stream) => [stream.name, positionOf(stream)]));
  }

  greet(socket: FakeSocket): void {
    const hb = { send: "ping", expect: "pong", every_s: 25, dead_s: 60 };
    const market = { state: "open", next_data_by: this.nextDataBy };
    const limits = { symbols: 16_384, frame_bytes: 262_144 };
    this.send(
      socket,
      JSON.stringify({ op: "hello", v: 1, conn: "c", at: Date.now(), limits, hb, market }),
    );
  }

  receive(socket: FakeSocket, text: string): void {
    if (text === "ping") {
      if (this.answersPing) this.send(socket, "pong");
      return;
    }
    const frame = readRequest(text);
    if (frame.op === "ack") return this.#acknowledge(socket, frame.token ?? "");
    if (frame.op !== "sub") return;
    this.asked.push(frame);
    this.#subscribe(socket, frame);
  }

  send(socket: FakeSocket, text: string): void {
    if (socket.readyState === 1) this.mangle(socket, text);
  }

  /** Appends a flush and sends it to those who have all before it. */
  publish(stream: KeptStream, at: number, rows: readonly Row[], gaps?: readonly unknown[]): void {
    const flush = stream.append(at, rows, gaps);
    for (const socket of this.sockets) {
      const position = socket.positions.get(stream.name);
      if (position?.epoch !== flush.epoch || position.fs !== flush.fs - 1) continue;
      const sent = { epoch: flush.epoch, fs: flush.fs, at };
      socket.positions.set(stream.name, sent);
      socket.acks.sent(stream.name, sent, 100, Date.now());
      this.send(socket, flushText(stream.name, flush, false));
    }
  }

  /** The stream begins a new life; its followers are told, with or without a way to what they missed. */
  beginEpoch(stream: KeptStream, withHandoff: boolean): void {
    stream.beginEpoch();
    for (const socket of this.sockets) {
      const position = socket.positions.get(stream.name);
      if (position === undefined) continue;
      const handoff = this.#handoff(stream, position, "diff");
      const frame = { op: "epoch", g: stream.name, e: stream.epoch, fs: 0 };
      socket.positions.set(stream.name, positionOf(stream));
      this.send(socket, JSON.stringify(withHandoff ? { ...frame, handoff } : frame));
      if (withHandoff) this.#replayFrom(socket, stream, handoff.join_fs);
    }
  }

  /** Takes a token whole or not at all. */
  #acknowledge(socket: FakeSocket, token: string): void {
    const items = parseToken(token);
    if (items !== null && socket.acks.ack(items, socket.positions)) return;
    this.refused.push(token);
    const refusal = { op: "error", code: 1400, msg: "the token names what was not sent" };
    this.send(socket, JSON.stringify({ ...refusal, temporary: false }));
  }

  #subscribe(socket: FakeSocket, frame: Request): void {
    const since = typeof frame.from === "number" ? { epoch: "", fs: 0, at: frame.from } : undefined;
    const token = parseToken(frame.resume ?? "") ?? new Map<string, Position>();
    const later: (() => void)[] = [];
    const resume = this.streams.flatMap((stream): object[] => {
      const from = token.get(stream.name) ?? since;
      socket.positions.set(stream.name, positionOf(stream));
      socket.acks.start(stream.name, positionOf(stream));
      if (from === undefined) return [];
      const g = stream.name;
      const isInLog = from.epoch === stream.epoch && from.fs >= stream.aged;
      if (isInLog && from.fs <= stream.head && stream.head - from.fs <= this.maxReplay) {
        later.push(() => this.#replayFrom(socket, stream, from.fs + 1));
        return [{ g, recovered: true, from: from.fs + 1, to: stream.head }];
      }
      const handoff = this.#handoff(stream, from, isInLog ? "replay" : "diff");
      later.push(() => this.#replayFrom(socket, stream, handoff.join_fs));
      return [{ g, recovered: false, code: 1412, handoff }];
    });
    const heads = this.streams.map((stream): [string, Position] => [
      stream.name,
      positionOf(stream),
    ]);
    const answer = { op: "ack", id: frame.id, subs: {}, rejected: [], token: formatToken(heads) };
    this.send(socket, JSON.stringify(resume.length > 0 ? { ...answer, resume } : answer));
    for (const replay of later) replay();
  }

  #handoff(stream: KeptStream, from: Position, style: HandoffStyle) {
    if (style === "replay") {
      const url = `/v1/stream/replay?from=${formatToken([[stream.name, from]])}`;
      return { url, join_fs: stream.head + 1 };
    }
    const storedAt = this.diffsOverlap ? stream.headAt : stream.drainedAt;
    const span = `as_of_a=${from.at}&as_of_b=${Math.max(from.at, storedAt)}`;
    const group = Number.parseInt(stream.name, 10);
    return { url: `/v1/bars/diff?${span}&group=${group}`, join_fs: stream.drained + 1 };
  }

  #replayFrom(socket: FakeSocket, stream: KeptStream, fs: number): void {
    const flushes = stream.log.slice(fs - 1);
    for (const flush of flushes) this.send(socket, flushText(stream.name, flush, true));
    this.send(socket, trailerText(stream.name, stream.head, flushes));
  }

  #answer(url: URL): HttpAnswer {
    if (url.pathname === "/v1/bars/diff") return okay(this.#diff(url));
    if (url.pathname === "/v1/stream/replay") return okay(this.#replay(url));
    return { ok: false, status: 404, json: () => Promise.resolve({}) };
  }

  #diff(url: URL): unknown {
    const [after, until] = [url.searchParams.get("as_of_a"), url.searchParams.get("as_of_b")];
    const start = Number(url.searchParams.get("page_token") ?? 0);
    const isDaily = url.searchParams.get("interval") === "1d";
    const group = `${url.searchParams.get("group")}b`;
    const rows = this.streams
      .filter(({ name }) => name === group)
      .flatMap((stream) => (isDaily ? [] : stream.all))
      .filter(({ at }) => at > Number(after) && at <= Number(until))
      .toSorted((a, b) => a.at - b.at)
      .flatMap(({ at, rows: each }) => each.map((row) => viewOf(row, at)));
    const end = start + this.pageRows;
    return {
      changes: rows.slice(start, end),
      next_page_token: end < rows.length ? String(end) : null,
    };
  }

  #replay(url: URL): unknown {
    const [item] = parseToken(url.searchParams.get("from") ?? "") ?? [];
    const stream = this.streams.find(({ name }) => name === item?.[0]);
    if (item === undefined || stream === undefined) return {};
    const flushes = stream.log.slice(item[1].fs, item[1].fs + this.pageRows);
    const joinFs = item[1].fs + flushes.length + 1;
    const truncated = item[1].epoch !== stream.epoch || item[1].fs < stream.aged;
    return {
      flushes: flushes.map((flush): unknown => JSON.parse(flushText(stream.name, flush, true))),
      streams: [{ truncated, join_fs: joinFs, complete: joinFs > stream.head }],
    };
  }
}

function positionOf(stream: KeptStream): Position {
  return { epoch: stream.epoch, fs: stream.head, at: stream.headAt };
}

function okay(body: unknown): HttpAnswer {
  return { ok: true, status: 200, json: () => Promise.resolve(body) };
}
