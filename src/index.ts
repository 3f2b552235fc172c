import { WorkerEntrypoint } from "cloudflare:workers";
import { createApp } from "./api/app.ts";
import type { BackfillEnd, BackfillRun } from "./contracts/backfill.ts";
import { consumeDeadLetters } from "./backfill/dead-letter-consumer.ts";
import { letterDeps } from "./backfill/letter-deps.ts";
import type { GroupFetch } from "./contracts/group-fetch.ts";
import type { Task } from "./contracts/tasks.ts";
import { readSettings } from "./env.ts";
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
    const read = readSettings(this.env);
    if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
    await runAndIngest(job, read.settings, this.env);
  }

  /** Runs a job of a backfill queue; answers what of it is still open. */
  async runBackfill(run: BackfillRun): Promise<BackfillEnd> {
    const read = readSettings(this.env);
    if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
    return await runBackfill(run, read.settings, this.env);
  }

  async runTask(task: Task): Promise<void> {
    const read = readSettings(this.env);
    if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
    await runTask(task, read.settings, this.env);
  }
}

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled(controller, env) {
    const read = readSettings(env);
    if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
    await runTick(controller.scheduledTime, read.settings, env);
  },

  async queue(batch, env) {
    const read = readSettings(env);
    if (!read.ok) throw new Error(`not configured: ${read.faults.join("; ")}`);
    await consumeDeadLetters(batch.messages, letterDeps(read.settings, env));
  },
} satisfies ExportedHandler<Env>;
