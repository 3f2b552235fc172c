import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { z } from "zod";

/** A Postgres inside this process. */
export interface EmbeddedPostgres {
  /** Where ordinary clients connect. */
  readonly connectionString: string;
  /** Closes the database and ends its thread. Clients must have gone. */
  stop(): Promise<void>;
}

/** Starts PGlite in a thread, in memory or kept in `dataDir`. Rejects when it can't open its files. */
export async function startEmbeddedPostgres(dataDir: string | null): Promise<EmbeddedPostgres> {
  const worker = new Worker(new URL("./pglite-worker.ts", import.meta.url), {
    workerData: { dataDir },
  });
  const port = z.tuple([z.number().int().positive()]).parse(await once(worker, "message"))[0];
  return {
    connectionString: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      const stopped = once(worker, "message");
      worker.postMessage("stop");
      await stopped;
      await worker.terminate();
    },
  };
}
