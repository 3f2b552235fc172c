import { createServer } from "node:http";
import type { EpochMs } from "../../src/domain/time.ts";
import { readRequestBody } from "../request-body.ts";
import { answerRequest, type RlcServerState } from "./answer-request.ts";
import { JobQueue, type QueuedJob, type QueueStats } from "./job-queue.ts";

/** How the reference coordinator is run. */
export interface RlcOptions {
  /** Its clock, as a port: leases end in the time of whoever drives it. */
  readonly now: () => EpochMs;
  readonly leaseMs?: number;
  readonly token?: string;
  /** 0 (default): any free one. */
  readonly port?: number;
  /** The jobs that have become due by `nowMs`; asked before each claim, ids tell them apart. */
  readonly jobsDue?: (nowMs: EpochMs) => readonly QueuedJob[];
}

/** A running coordinator. */
export interface RlcServer {
  readonly url: string;
  put(jobs: readonly QueuedJob[]): void;
  stats(): QueueStats;
  /** While away it closes every connection without an answer. */
  setAway(away: boolean): void;
  stop(): Promise<void>;
}

/** Long enough for a poll with all its failovers, and for two rounds to tell how it ended. */
const LEASE_MS = 60_000;
/** Longer than callers keep an idle connection, so that none is closed under a request being sent. */
const KEEP_ALIVE_MS = 65_000;

/** Starts the reference server of the RLC protocol on the loopback interface. */
export async function startRlc(options: RlcOptions): Promise<RlcServer> {
  const queue = new JobQueue(options.leaseMs ?? LEASE_MS);
  let isAway = false;
  const state: RlcServerState = {
    queue,
    token: options.token ?? null,
    now: options.now,
    feed: (nowMs) => queue.put(options.jobsDue?.(nowMs) ?? [], nowMs),
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    if (isAway) {
      request.socket.destroy();
      return;
    }
    const call = {
      method: request.method ?? "GET",
      path: request.url ?? "/",
      authorization: request.headers.authorization ?? null,
      readBody: (maxBytes: number) => readRequestBody(request, maxBytes),
    };
    answerRequest(call, state).then(
      ({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      },
      // A bug of the server: said in the answer, so that the test that meets it shows it.
      (error: unknown) => {
        response.writeHead(500).end(error instanceof Error ? error.message : String(error));
      },
    );
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("not a TCP port"));
      else resolve(address.port);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    put: (jobs) => queue.put(jobs, options.now()),
    stats: () => queue.stats(options.now()),
    setAway: (away) => {
      isAway = away;
    },
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
