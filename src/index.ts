import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp } from "./api/app.ts";
import type { BackfillEnd, BackfillRun } from "./contracts/backfill.ts";
import { liveSettings } from "./config/live-settings.ts";
import { type CallOrigin, readOrigin } from "./contracts/call-origin.ts";
import { consumeDeadLetters } from "./backfill/dead-letter-consumer.ts";
import { letterDeps } from "./backfill/letter-deps.ts";
import type { GroupFetch } from "./contracts/group-fetch.ts";
import type { Task } from "./contracts/tasks.ts";
import type { Settings } from "./env.ts";
import { runAndIngest } from "./ingest/fetch-runner.ts";
import { runBackfill } from "./ingest/run-backfill.ts";
import { runTask } from "./ingest/task-runner.ts";
import { runTick } from "./ingest/tick.ts";
import { createTracer, type Tracer } from "./platform/tracer.ts";

export { BackfillQueue } from "../durable-objects/backfill-queue.ts";
export { ConfigStore } from "../durable-objects/config-store.ts";
export { MetricsHub } from "../durable-objects/metrics-hub.ts";
export { ProviderBreaker } from "../durable-objects/provider-breaker.ts";
export { SloMonitor } from "../durable-objects/slo-monitor.ts";
export { SymbolGroup } from "../durable-objects/symbol-group.ts";

/** Runs fetch jobs in invocations of their own, called by a group through loopback RPC. */
export class FetchRunner extends WorkerEntrypoint<Env> {
  async run(job: GroupFetch, origin?: CallOrigin): Promise<void> {
    const settings = await liveSettings(this.env);
    await this.#tracer(settings).join(readOrigin(origin), "run a fetch", () =>
      runAndIngest(job, settings, this.env),
    );
  }

  /** Runs a job of a backfill queue; answers what of it is still open. */
  async runBackfill(run: BackfillRun, origin?: CallOrigin): Promise<BackfillEnd> {
    const settings = await liveSettings(this.env);
    return await this.#tracer(settings).join(readOrigin(origin), "run a backfill", () =>
      runBackfill(run, settings, this.env),
    );
  }

  async runTask(task: Task, origin?: CallOrigin): Promise<void> {
    const settings = await liveSettings(this.env);
    await this.#tracer(settings).join(readOrigin(origin), `run ${task.type}`, () =>
      runTask(task, settings, this.env),
    );
  }

  #tracer(settings: Settings): Tracer {
    return tracerAt("runner", settings, this.env, this.ctx);
  }
}

function tracerAt(at: string, { traced }: Settings, env: Env, ctx: ExecutionContext): Tracer {
  return createTracer({ on: traced, at, env, keepAlive: (work) => ctx.waitUntil(work) });
}

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled(controller, env, ctx) {
    const settings = await liveSettings(env);
    await tracerAt("worker", settings, env, ctx).begin("cron", () =>
      runTick(controller.scheduledTime, settings, env),
    );
  },

  async queue(batch, env) {
    await consumeDeadLetters(batch.messages, letterDeps(await liveSettings(env), env));
  },
} satisfies ExportedHandler<Env>;
