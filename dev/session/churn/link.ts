import WebSocket from "ws";

/** A client pings this often, wall time; the service closes those that are silent for two minutes. */
const PING_EVERY_MS = 25_000;
const CONNECT_TIMEOUT_MS = 30_000;

/** Who listens to a link. `onClose` comes once, with the close code; 1006: without a close frame. */
export interface LinkListener {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onClose: (code: number) => void;
}

/** One WebSocket of a client: unlike the built-in one it can be cut without a close frame, as a network does. */
export class Link {
  readonly closed: Promise<void>;
  #socket: WebSocket;
  #pingAtMs = performance.now() + PING_EVERY_MS;

  constructor(serviceUrl: string, key: string, listener: LinkListener) {
    const url = `${serviceUrl.replace(/^http/, "ws")}/v1/stream`;
    this.#socket = new WebSocket(url, ["mds.v1", `key.${key}`], {
      perMessageDeflate: false,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    this.#socket.on("open", listener.onOpen);
    this.#socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text !== "pong") listener.onText(text);
    });
    // A failed connection closes, too; the close event acts.
    this.#socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", (code) => {
        resolve();
        listener.onClose(code);
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    if (this.isOpen) this.#socket.send(text);
  }

  /** Pings when it is time to. */
  beat(nowMs: number): void {
    if (!this.isOpen || nowMs < this.#pingAtMs) return;
    this.#pingAtMs = nowMs + PING_EVERY_MS;
    this.#socket.send("ping");
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** Destroys the socket: no close frame, and nothing that was on its way is read. */
  cut(): void {
    this.#socket.terminate();
  }
}
