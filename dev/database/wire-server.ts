import { createServer, type Server, type Socket } from "node:net";
import { splitMessages, TurnCutter, type ClientTurn } from "./wire-frames.ts";

/** The one session that all clients share. */
export interface WireSession {
  /** Runs one message of the wire protocol and answers the server's. */
  run(message: Uint8Array): Promise<Uint8Array>;
}

/** Frontend message `Query` with the text ROLLBACK. */
const ROLLBACK = Buffer.from("Q\0\0\0\x0dROLLBACK\0", "latin1");

/**
 * Lets ordinary Postgres clients (pg, psql) talk to an embedded database with a single session: a client has it
 * from its first message until it is idle again, so transactions of two clients never mix. What a client
 * sets for its session is seen by the others. Local use only: any password does.
 */
export function createWireServer(session: WireSession): Server {
  let last: Promise<void> = Promise.resolve();
  /** Resolves when it is this caller's turn; call the answer to give the session back. */
  async function acquire(): Promise<() => void> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return resolve;
  }
  return createServer((socket) => serveClient(socket, session, acquire));
}

function serveClient(
  socket: Socket,
  session: WireSession,
  acquire: () => Promise<() => void>,
): void {
  const cutter = new TurnCutter();
  let release: (() => void) | null = null;
  let queue: Promise<void> = Promise.resolve();

  async function take(turn: ClientTurn): Promise<void> {
    if (turn.kind === "end") return void socket.end();
    if (turn.kind === "encryption") return void socket.write("N");
    release ??= await acquire();
    const answer =
      turn.kind === "startup" ? await session.run(turn.bytes) : await runEach(turn.bytes);
    if (!socket.destroyed) socket.write(answer);
    if (isIdle(answer)) giveBack();
  }
  /** PGlite of Postgres 17 loses the messages from one on that begins at a multiple of 8 KiB, its read buffer. */
  async function runEach(messages: Uint8Array): Promise<Uint8Array> {
    const answers: Buffer[] = [];
    // Copied: the next answer may be written where this one lies.
    for (const message of splitMessages(messages)) {
      answers.push(Buffer.from(await session.run(message)));
    }
    return Buffer.concat(answers);
  }
  function giveBack(): void {
    release?.();
    release = null;
  }
  function enqueue(work: () => Promise<void>): void {
    queue = queue.then(work).catch((error: unknown) => {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  }

  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => {
    enqueue(async () => {
      for (const turn of cutter.push(bytes)) await take(turn);
    });
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    enqueue(async () => {
      if (release !== null) await session.run(ROLLBACK).finally(giveBack);
    });
  });
}

/** An answer ends with ReadyForQuery; its last byte is `I` outside a transaction. */
function isIdle(answer: Uint8Array): boolean {
  const tail = Buffer.from(answer.subarray(-6)).toString("latin1");
  return tail === "Z\0\0\0\x05I";
}
