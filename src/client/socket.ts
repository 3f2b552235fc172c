import ReconnectingWebSocket from "partysocket/ws";
import { z } from "zod";
import type { ClientDeps } from "./client-deps.ts";

/** A handshake that takes longer is given up. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Codes after which a client does not come back: stream protocol, "Errors and close codes". */
const FIRST_FINAL_CODE = 4_500;
const LAST_FINAL_CODE = 4_999;
const NORMAL_CLOSURE = 1_000;

const ABNORMAL_CLOSURE = 1_006;

/** `partysocket` copies an event before it dispatches it, and the copy of one of its own has neither field. */
const closureSchema = z.object({
  code: z.number().catch(ABNORMAL_CLOSURE),
  reason: z.string().catch(""),
});

/** Who listens to a socket, and what it asks before each attempt. */
export interface SocketOwner {
  /** Resolves when the next attempt may begin, with the address it goes to. Rejects: a failed attempt. */
  address(): Promise<string>;
  readonly protocols: string[];
  onOpen(): void;
  onMessage(data: unknown): void;
  /** A connection, or an attempt at one, has ended. */
  onClose(code: number, reason: string): void;
}

/** Whether a client stays away after this code. */
export function isFinalCode(code: number): boolean {
  return code >= FIRST_FINAL_CODE && code <= LAST_FINAL_CODE;
}

/**
 * A socket that comes back by itself. The delay between attempts is the owner's: `partysocket` has a
 * growing delay without jitter, so that one is zero and the address is what is waited for.
 */
export class FeedSocket {
  #socket: ReconnectingWebSocket;

  constructor(owner: SocketOwner, { socketClass }: ClientDeps) {
    this.#socket = new ReconnectingWebSocket(() => owner.address(), owner.protocols, {
      minReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      // What is sent belongs to one connection; the next one begins with a subscription of its own.
      maxEnqueuedMessages: 0,
      shouldReconnectOnClose: ({ code }) => !isFinalCode(code),
      ...(socketClass === undefined ? {} : { WebSocket: socketClass }),
    });
    // Listeners, not `onopen`: workerd calls such a property for a dispatched event, too, so it would run twice.
    this.#socket.addEventListener("open", () => owner.onOpen());
    this.#socket.addEventListener("message", ({ data }) => owner.onMessage(data));
    this.#socket.addEventListener("close", (event) => {
      const { code, reason } = closureSchema.parse(event);
      owner.onClose(code, reason);
    });
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Drops this connection and makes another one. */
  renew(reason: string): void {
    this.#socket.reconnect(NORMAL_CLOSURE, reason);
  }

  close(): void {
    this.#socket.close(NORMAL_CLOSURE, "closed by the client");
  }
}
