import { WebSocket } from "ws";

/** Sockets that are opened at a time. */
const OPENING = 50;
const OPEN_TIMEOUT_MS = 30_000;

/** Many clients of the stream that follow everything and do nothing with it. */
export class Crowd {
  #sockets: WebSocket[] = [];

  /** Opens so many connections; resolves when all are open. */
  async join(url: string, key: string, count: number): Promise<void> {
    const address = `${url.replace(/^http/, "ws")}/v1/stream?symbols=*&ch=bars.1m,quotes`;
    while (this.#sockets.length < count) {
      const some = Math.min(OPENING, count - this.#sockets.length);
      await Promise.all(Array.from({ length: some }, () => this.#open(address, key)));
    }
  }

  leave(): void {
    for (const socket of this.#sockets.splice(0)) socket.terminate();
  }

  async #open(address: string, key: string): Promise<void> {
    const socket = new WebSocket(address, ["mds.v1", `key.${key}`], { perMessageDeflate: false });
    this.#sockets.push(socket);
    // A runtime that goes away ends its sockets: that is what a crowd sees, and no fault of it.
    socket.on("error", () => {});
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("a client was not let in")), OPEN_TIMEOUT_MS);
      const settle = (act: () => void) => () => {
        clearTimeout(timer);
        act();
      };
      socket.once("open", settle(resolve));
      socket.once(
        "close",
        settle(() => reject(new Error("a client was turned away"))),
      );
    });
  }
}
