import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { z } from "zod";
import { createWireServer } from "./wire-server.ts";

/*
 * The body of the database's thread: Postgres compiled to WebAssembly blocks while it works, so it has a thread
 * of its own. Speaks the wire protocol on a port that it tells its parent; the message "stop" ends it.
 */
const options = z.object({ dataDir: z.string().nullable() }).parse(workerData);
if (parentPort === null) throw new Error("run as a worker thread");
const parent = parentPort;

if (options.dataDir !== null) mkdirSync(options.dataDir, { recursive: true });
const database = await PGlite.create(options.dataDir ?? "memory://");
const server = createWireServer({ run: (messages) => database.execProtocolRaw(messages) });
server.listen(0, "127.0.0.1", () => parent.postMessage(boundPort(server.address())));

parent.once("message", () => {
  server.close();
  void database.close().then(() => parent.postMessage("stopped"));
});

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port was bound");
  return address.port;
}
