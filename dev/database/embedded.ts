import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { EngineOptions } from "./pglite-engine.ts";

/** A Postgres inside this process. */
export interface EmbeddedPostgres {
  /** Where ordinary clients connect. */
  readonly connectionString: string;
  /** Writes a dump to `file` that another of the same build can start from. Clients must be idle. */
  save(file: string): Promise<void>;
  /** Closes the database and ends its thread. Clients must have gone. */
  stop(): Promise<void>;
}

/** Starts PGlite in a thread. Rejects when it can't open its files. */
export async function startEmbeddedPostgres(options: EngineOptions): Promise<EmbeddedPostgres> {
  const worker = new Worker(new URL("./pglite-worker.ts", import.meta.url), {
    workerData: options,
  });
  const port = z.tuple([z.number().int().positive()]).parse(await once(worker, "message"))[0];
  return {
    connectionString: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async save(file) {
      const saved = once(worker, "message");
      worker.postMessage({ save: file });
      await saved;
    },
    async stop() {
      const stopped = once(worker, "message");
      worker.postMessage("stop");
      await stopped;
      await worker.terminate();
    },
  };
}
