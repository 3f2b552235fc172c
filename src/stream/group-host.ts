import { z } from "zod";
import {
  clientFrameSchema,
  MAX_CLIENT_FRAME_BYTES,
  STREAM_CODES,
  STREAM_PROTOCOL,
  requestIdSchema,
} from "../contracts/stream.ts";
import { errorText, log } from "../platform/log.ts";
import { Connection } from "./connection.ts";
import type { Delivery, DeliveryAnswer } from "./delivery.ts";
import type { StreamHost } from "./host.ts";
import { sendText } from "./outbox.ts";
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
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new Error("no socket pair");
    this.#deps.acceptSocket(server);
    const connection = new Connection(server, id);
    this.#deps.host.add(connection);
    sendText(connection, this.#deps.hello(id));
    const symbols = url.searchParams.get(SYMBOLS_PARAM);
    if (symbols !== null) this.#firstSubscription(server, symbols, url);
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

  /** One frame of a client. What cannot be read is answered with an error; the socket stays. */
  async receive(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const connection = this.#deps.host.find(socket);
    if (connection === null) return;
    if (typeof message !== "string")
      return sendError(connection, undefined, STREAM_CODES.syntax, "binary frames are not read");
    if (message.length > MAX_CLIENT_FRAME_BYTES) {
      return sendError(
        connection,
        undefined,
        STREAM_CODES.syntax,
        `a frame is at most ${MAX_CLIENT_FRAME_BYTES} bytes`,
      );
    }
    await this.#inTurn(connection, message);
  }

  remove(socket: WebSocket): void {
    this.#deps.host.remove(socket);
  }

  deliver(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#deps.host.deliver(delivery);
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

  async #inTurn(connection: Connection, message: string): Promise<void> {
    const queue = this.#queues.get(connection.socket) ?? { tail: Promise.resolve(), waiting: 0 };
    this.#queues.set(connection.socket, queue);
    if (queue.waiting >= MAX_WAITING_REQUESTS) {
      return sendError(
        connection,
        requestId(message),
        STREAM_CODES.tooFast,
        "too many requests are waiting",
      );
    }
    queue.waiting += 1;
    queue.tail = queue.tail
      .then(() => this.#handle(connection, message))
      .finally(() => (queue.waiting -= 1));
    await queue.tail;
  }

  async #handle(connection: Connection, message: string): Promise<void> {
    const { host, symbolGroups } = this.#deps;
    const frame = parseFrame(message);
    if (!frame.ok) return sendError(connection, frame.id, STREAM_CODES.syntax, frame.msg);
    try {
      if (frame.value.op === "sub") await subscribe(host, connection, frame.value, symbolGroups);
      else unsubscribe(host, connection, frame.value, symbolGroups);
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

type ParsedFrame =
  | { ok: true; value: z.infer<typeof clientFrameSchema> }
  | { ok: false; id: number | string | undefined; msg: string };

const withIdSchema = z.object({ id: requestIdSchema });

/** The id of a request that is refused unread. */
function requestId(message: string): number | string | undefined {
  const parsed = parseFrame(message);
  return parsed.ok ? parsed.value.id : parsed.id;
}

function parseFrame(message: string): ParsedFrame {
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return { ok: false, id: undefined, msg: "not JSON" };
  }
  const parsed = clientFrameSchema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  const msg =
    issue === undefined ? "malformed" : `${issue.path.join(".") || "frame"}: ${issue.message}`;
  return { ok: false, id: withIdSchema.safeParse(json).data?.id, msg: msg.slice(0, 200) };
}
