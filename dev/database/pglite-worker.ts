import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { openEngine } from "./pglite-engine.ts";
import { storageProfileSchema } from "./storage-profile.ts";
import { createWireServer } from "./wire-server.ts";

/*
 * The body of the database's thread: Postgres compiled to WebAssembly blocks while it works, so it has a thread
 * of its own. Speaks the wire protocol on a port that it tells its parent; the message "stop" ends it, and
 * `{save}` writes a dump of all its files there.
 */
const options = z
  .object({
    dataDir: z.string().nullable(),
    profile: storageProfileSchema,
    snapshot: z.string().nullable(),
  })
  .parse(workerData);
const messageSchema = z.union([z.literal("stop"), z.object({ save: z.string() })]);
if (parentPort === null) throw new Error("run as a worker thread");
const parent = parentPort;

if (options.dataDir !== null) mkdirSync(options.dataDir, { recursive: true });
const database = await openEngine(options);
const server = createWireServer({ run: (messages) => database.execProtocolRaw(messages) });
server.listen(0, "127.0.0.1", () => parent.postMessage(boundPort(server.address())));

parent.on("message", (message: unknown) => {
  const asked = messageSchema.parse(message);
  if (asked === "stop") {
    server.close();
    void database.close().then(() => parent.postMessage("stopped"));
  } else {
    void save(asked.save).then(() => parent.postMessage("saved"));
  }
});

async function save(file: string): Promise<void> {
  const dump = await database.dumpDataDir("none");
  await writeFile(file, dump.stream());
}

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port was bound");
  return address.port;
}
