import { env } from "cloudflare:workers";
import { answerRequest } from "../../../dev/rlc/answer-request.ts";
import { JobQueue, type QueuedJob, type QueueStats } from "../../../dev/rlc/job-queue.ts";
import { readSettings, type Settings } from "../../../src/env.ts";
import { FetchRunner } from "../../../src/index.ts";
import { runTask } from "../../../src/ingest/task-runner.ts";
import { runTick } from "../../../src/ingest/tick.ts";
import { marketClock, stepMarketClock } from "../../../src/platform/clocks.ts";

/** Where the coordinator is, for `fetch` and for the settings of the deployment that has one. */
export const RLC_HOST = "rlc.test";
export const RLC_VARIABLES = { RLC_URL: `http://${RLC_HOST}`, RLC_TOKEN: "token" };
const LEASE_MS = 60_000;

/** The reference coordinator behind `fetch`, in the market time of the test. */
export class FakeCoordinator {
  away = false;
  /** Market times of the claims. */
  readonly claimedMs: number[] = [];
  #queue = new JobQueue(LEASE_MS);

  reset(): void {
    this.away = false;
    this.claimedMs.length = 0;
    this.#queue = new JobQueue(LEASE_MS);
  }

  put(...jobs: readonly { readonly id: string; readonly [key: string]: unknown }[]): void {
    const queued: QueuedJob[] = jobs.map((job) => ({ id: job.id, priority: 0, job }));
    this.#queue.put(queued, marketClock.now());
  }

  stats(): QueueStats {
    return this.#queue.stats(marketClock.now());
  }

  async answer(request: Request): Promise<Response> {
    if (this.away) throw new TypeError("connection refused");
    const path = new URL(request.url).pathname;
    if (path.endsWith("/claim")) this.claimedMs.push(marketClock.now());
    const { status, body } = await answerRequest(
      {
        method: request.method,
        path,
        authorization: request.headers.get("authorization"),
        readBody: () => request.text(),
      },
      {
        queue: this.#queue,
        token: RLC_VARIABLES.RLC_TOKEN,
        now: () => marketClock.now(),
        feed: () => {},
      },
    );
    return Response.json(body, { status });
  }
}

/** The settings of this deployment as if it had a coordinator. */
export function coordinatedSettings(): Settings {
  const read = readSettings({ ...env, ...RLC_VARIABLES });
  if (!read.ok) throw new Error(read.faults.join("; "));
  return read.settings;
}

/** Lets the runner act by these settings until the returned function is called. */
export function runTasksBy(settings: Settings): () => void {
  const { prototype } = FetchRunner;
  const real: unknown = Reflect.get(prototype, "runTask");
  Reflect.set(prototype, "runTask", (task: Parameters<FetchRunner["runTask"]>[0]) =>
    runTask(task, settings, env),
  );
  return () => Reflect.set(prototype, "runTask", real);
}

/** A cron tick of a deployment with a coordinator. */
export async function coordinatedTick(ms: number, settings: Settings): Promise<void> {
  stepMarketClock(ms);
  await runTick(ms, settings, env);
}
