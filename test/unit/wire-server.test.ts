import { once } from "node:events";
import { connect, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWireServer } from "../../dev/database/wire-server.ts";
import { message, SSL_REQUEST, STARTUP } from "../support/wire-messages.ts";

/** A session that notes what it runs; BEGIN opens a transaction, COMMIT and ROLLBACK end it. */
class FakeSession {
  readonly ran: string[] = [];
  #status = "I";

  async run(messages: Uint8Array): Promise<Uint8Array> {
    const bytes = Buffer.from(messages);
    const text =
      bytes.readUInt8(0) === 0 ? "startup" : bytes.toString("latin1", 5, bytes.length - 1);
    this.ran.push(text);
    if (text === "BEGIN") this.#status = "T";
    if (text === "COMMIT" || text === "ROLLBACK") this.#status = "I";
    return message("Z", this.#status);
  }
}

const query = (text: string) => message("Q", `${text}\0`);

let session: FakeSession;
let server: Server;
let first: Socket;
beforeEach(async () => {
  session = new FakeSession();
  server = createWireServer(session).listen(0, "127.0.0.1");
  await once(server, "listening");
  first = await dial();
  await ask(first, STARTUP);
});
afterEach(() => {
  first.destroy();
  server.close();
});

async function dial(): Promise<Socket> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was bound");
  const socket = connect(address.port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function ask(socket: Socket, bytes: Buffer): Promise<void> {
  socket.write(bytes);
  await once(socket, "data");
}

describe("a session that clients share", () => {
  it("is not given to another client inside a transaction", async () => {
    await ask(first, query("BEGIN"));
    const second = await dial();
    // The refusal of encryption needs no session; when it arrives, the startup behind it is waiting.
    await ask(second, Buffer.concat([SSL_REQUEST, STARTUP]));
    await ask(first, query("one"));
    first.write(query("COMMIT"));
    await once(second, "data");
    expect(session.ran).toEqual(["startup", "BEGIN", "one", "COMMIT", "startup"]);
    second.destroy();
  });

  it("is rolled back and given on when its client goes away inside a transaction", async () => {
    await ask(first, query("BEGIN"));
    const second = await dial();
    await ask(second, Buffer.concat([SSL_REQUEST, STARTUP]));
    first.destroy();
    await once(second, "data");
    expect(session.ran).toEqual(["startup", "BEGIN", "ROLLBACK", "startup"]);
    second.destroy();
  });
});
