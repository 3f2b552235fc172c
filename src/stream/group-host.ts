import { STREAM_CODES, STREAM_PROTOCOL } from "../contracts/stream.ts";
import { errorText, log } from "../platform/log.ts";
import { acknowledge } from "./acknowledge.ts";
import { FRAME_GAP_MS } from "./conduct.ts";
import { Connection, type ConnectionOrigin } from "./connection.ts";
import type { Delivery, DeliveryAnswer } from "./delivery.ts";
import type { StreamHost } from "./host.ts";
import { isKeyFull, KEY_HEADER, keyConnections, turnAway } from "./key-limit.ts";
import { sendText } from "./outbox.ts";
import { readFrame, type ReadFrame } from "./read-frame.ts";
import { sendError, subscribe, unsubscribe } from "./subscribe.ts";

/** The Worker names the connection it has authorised in this header. */
export const CONNECTION_HEADER = "x-mds-connection";
/** What a connect URL asks for, as a first `sub` without id. */
const SYMBOLS_PARAM = "symbols";
const RESUME_PARAM = "resume";
/** Requests of one connection wait for each other; more than this many waiting are refused. */
const MAX_WAITING_REQUESTS = 32;

/** What a host of connections needs of its object. `hello` gives a connection's first frame. */
export interface GroupHostDeps {
  readonly host: StreamHost;
  readonly symbolGroups: number;
  readonly acceptSocket: (socket: WebSocket) => void;
  readonly hello: (connectionId: string) => string;
  readonly track: (work: Promise<void>) => void;
}

/** Accepts connections, reads their frames, and never throws because of one. */
export class GroupHost {
  #deps: GroupHostDeps;
  #queues = new WeakMap<WebSocket, { tail: Promise<void>; waiting: number }>();

  constructor(deps: GroupHostDeps) {
    this.#deps = deps;
  }

  accept(request: Request): Response {
    const url = new URL(request.url);
    const id = request.headers.get(CONNECTION_HEADER) ?? crypto.randomUUID();
    const key = request.headers.get(KEY_HEADER) ?? "";
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new Error("no socket pair");
    const { host } = this.#deps;
    const max = keyConnections(request);
    if (isKeyFull(key, max, host.connections())) turnAway(server, max);
    else this.#welcome(server, { id, key, connectedMs: host.watch.now() }, url);
    const offered =
      request.headers
        .get("Sec-WebSocket-Protocol")
        ?.split(",")
        .map((name) => name.trim()) ?? [];
    const headers = offered.includes(STREAM_PROTOCOL)
      ? { "Sec-WebSocket-Protocol": STREAM_PROTOCOL }
      : undefined;
    return new Response(null, {
      status: 101,
      webSocket: client,
      ...(headers === undefined ? {} : { headers }),
    });
  }

  /** One frame of a client. What cannot be read is answered with an error; the socket stays at first. */
  async receive(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const { host } = this.#deps;
    const connection = host.find(socket);
    if (connection === null) return;
    connection.heardMs = host.watch.now();
    const frame = readFrame(message);
    // Acks overtake: they must not wait while a subscription waits for a home.
    if (frame.ok && frame.value.op === "ack") acknowledge(connection, frame.value);
    else await this.#inTurn(connection, frame);
    host.watch.afterFrame(connection);
  }

  remove(socket: WebSocket): void {
    this.#deps.host.remove(socket);
  }

  deliver(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#deps.host.deliver(delivery);
  }

  #welcome(server: WebSocket, origin: ConnectionOrigin, url: URL): void {
    this.#deps.acceptSocket(server);
    const connection = new Connection(server, origin);
    this.#deps.host.add(connection);
    sendText(connection, this.#deps.hello(origin.id));
    const symbols = url.searchParams.get(SYMBOLS_PARAM);
    if (symbols !== null) this.#firstSubscription(server, symbols, url);
  }

  #firstSubscription(socket: WebSocket, symbols: string, url: URL): void {
    const resume = url.searchParams.get(RESUME_PARAM);
    const frame = {
      op: "sub",
      ch: (url.searchParams.get("ch") ?? "bars.1m").split(","),
      symbols: symbols.split(","),
      ...(resume === null ? {} : { resume }),
    };
    this.#deps.track(this.receive(socket, JSON.stringify(frame)));
  }

  async #inTurn(connection: Connection, frame: ReadFrame): Promise<void> {
    const queue = this.#queues.get(connection.socket) ?? { tail: Promise.resolve(), waiting: 0 };
    this.#queues.set(connection.socket, queue);
    if (queue.waiting >= MAX_WAITING_REQUESTS) {
      const { tooFast } = STREAM_CODES;
      const id = frame.ok ? frame.value.id : frame.id;
      const retryAfterMs = queue.waiting * FRAME_GAP_MS;
      return sendError(connection, id, tooFast, "too many requests are waiting", retryAfterMs);
    }
    queue.waiting += 1;
    queue.tail = queue.tail
      .then(() => this.#handle(connection, frame))
      .finally(() => (queue.waiting -= 1));
    await queue.tail;
  }

  async #handle(connection: Connection, frame: ReadFrame): Promise<void> {
    const { host, symbolGroups } = this.#deps;
    if (!frame.ok) return sendError(connection, frame.id, STREAM_CODES.syntax, frame.msg);
    const waitMs = connection.conduct.takeTurn(host.watch.now());
    if (waitMs > 0) await new Promise<void>((resolve) => host.deps.after(waitMs, resolve));
    if (connection.isGone) return;
    try {
      if (frame.value.op === "sub") {
        if (frame.value.ack !== undefined) connection.wantAcks(frame.value.ack);
        await subscribe(host, connection, frame.value, symbolGroups);
      } else if (frame.value.op === "unsub")
        unsubscribe(host, connection, frame.value, symbolGroups);
    } catch (error) {
      log("error", "a request of a connection failed", {
        connection: connection.id,
        error: errorText(error),
      });
      sendError(
        connection,
        frame.value.id,
        STREAM_CODES.internal,
        "the request could not be served, try again",
      );
    }
  }
}
