import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp } from "./api/app.ts";
import type { BackfillEnd, BackfillRun } from "./contracts/backfill.ts";
import { liveSettings } from "./config/live-settings.ts";
import { consumeDeadLetters } from "./backfill/dead-letter-consumer.ts";
import { letterDeps } from "./backfill/letter-deps.ts";
import type { GroupFetch } from "./contracts/group-fetch.ts";
import type { Task } from "./contracts/tasks.ts";
import { runAndIngest } from "./ingest/fetch-runner.ts";
import { runBackfill } from "./ingest/run-backfill.ts";
import { runTask } from "./ingest/task-runner.ts";
import { runTick } from "./ingest/tick.ts";

export { BackfillQueue } from "../durable-objects/backfill-queue.ts";
export { ConfigStore } from "../durable-objects/config-store.ts";
export { MetricsHub } from "../durable-objects/metrics-hub.ts";
export { ProviderBreaker } from "../durable-objects/provider-breaker.ts";
export { SloMonitor } from "../durable-objects/slo-monitor.ts";
export { SymbolGroup } from "../durable-objects/symbol-group.ts";

/** Runs fetch jobs in invocations of their own, called by a group through loopback RPC. */
export class FetchRunner extends WorkerEntrypoint<Env> {
  async run(job: GroupFetch): Promise<void> {
    await runAndIngest(job, await liveSettings(this.env), this.env);
  }

  /** Runs a job of a backfill queue; answers what of it is still open. */
  async runBackfill(run: BackfillRun): Promise<BackfillEnd> {
    return await runBackfill(run, await liveSettings(this.env), this.env);
  }

  async runTask(task: Task): Promise<void> {
    await runTask(task, await liveSettings(this.env), this.env);
  }
}

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled(controller, env) {
    await runTick(controller.scheduledTime, await liveSettings(env), env);
  },

  async queue(batch, env) {
    await consumeDeadLetters(batch.messages, letterDeps(await liveSettings(env), env));
  },
} satisfies ExportedHandler<Env>;
