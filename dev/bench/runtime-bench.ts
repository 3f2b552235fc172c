import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { bundleService } from "../stack/runtime.ts";
import { type DirectRuntime, startDirectRuntime } from "./direct-runtime.ts";
import { type Figures, median, timesOf } from "./figures.ts";

const ROUNDS = 3;
const GAP_ROUNDS = 15;
const JOBS = 500;
const BATCHED_HOLES = 4_000;
/** Rounds are timed from outside: the clock of a Worker stands still while it computes. */
const REQUEST_TIMEOUT_MS = 300_000;

export const BENCH_KEY = "bench-bootstrap-key-0123456789";

/** A deployment that can ask nobody. */
const VARIABLES = {
  ENVIRONMENT: "development",
  DATABASE_URL: "postgres://u:p@127.0.0.1/none",
  BOOTSTRAP_KEY: BENCH_KEY,
};

/**
 * A database that takes what it is sent and never answers: drains are under way all the time, and what they do is
 * in what is measured once, not again and again as with one that refuses.
 */
function startSilentDatabase(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request) => void request.resume());
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      resolve({
        url: `http://127.0.0.1:${address.port}/sql`,
        stop() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

/** Starts the service as `dev/bench-worker.ts` has it, in a folder that goes when the process ends. */
export async function startBenchRuntime(root: string): Promise<DirectRuntime> {
  const stateDir = mkdtempSync(join(tmpdir(), "mds-bench-"));
  process.on("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const bundle = await bundleService(root, stateDir, "dev/bench-worker.ts");
  const database = await startSilentDatabase();
  const variables = { ...VARIABLES, DATABASE_SQL_ENDPOINT: database.url };
  const runtime = await startDirectRuntime({ root, stateDir, bundle, variables });
  return {
    url: runtime.url,
    async stop() {
      await runtime.stop();
      database.stop();
    },
  };
}

/** Enqueue -> lease -> finish in a real queue with an instant provider: a hole a job, and 250 symbols a job. */
export async function benchQueue({ url }: DirectRuntime): Promise<Figures> {
  const rate = async (holes: number, batched: boolean) => {
    const path = `/bench/queue?holes=${holes}&batched=${batched}`;
    const times = await timesOf(ROUNDS, async () => {
      const { left } = await ask(url + path, z.object({ left: z.number() }));
      if (left > 0) throw new Error(`${left} holes were left`);
    });
    return (holes / median(times)) * 1_000;
  };
  return {
    jobs_per_s: Math.round(await rate(JOBS, false)),
    holes_per_s_batched: Math.round(await rate(BATCHED_HOLES, true)),
  };
}

/** Finding the holes of a session in every group. */
export async function benchGaps({ url }: DirectRuntime): Promise<Figures> {
  const schema = z.object({ symbols: z.number(), holes: z.number() });
  let symbols = 1;
  const times = await timesOf(GAP_ROUNDS, async () => {
    ({ symbols } = await ask(`${url}/bench/gaps`, schema));
  });
  const usPerSymbol = (ms: number) => Number(((ms * 1_000) / symbols).toFixed(2));
  return {
    us_per_symbol: usPerSymbol(median(times)),
    best_us_per_symbol: usPerSymbol(Math.min(...times)),
  };
}

async function ask<T>(address: string, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(address, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${address}: ${response.status} ${await response.text()}`);
  return schema.parse(await response.json());
}
