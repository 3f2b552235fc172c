import { liveSettings } from "../src/config/live-settings.ts";
import type { BackfillEnd, BackfillRun } from "../src/contracts/backfill.ts";
import { type CallOrigin, readOrigin } from "../src/contracts/call-origin.ts";
import type { GroupFetch } from "../src/contracts/group-fetch.ts";
import type { PollOutcome } from "../src/contracts/ingest.ts";
import type { Task } from "../src/contracts/tasks.ts";
import { hostName, REGIONS } from "../src/domain/host-name.ts";
import { groupName } from "../src/domain/symbol.ts";
import { TIERS } from "../src/domain/tier.ts";
import { MINUTE_MS } from "../src/domain/time.ts";
import { readSettings, type Settings } from "../src/env.ts";
import service, { FetchRunner as ServiceFetchRunner } from "../src/index.ts";
import { runAndIngest } from "../src/ingest/fetch-runner.ts";
import { marketClock, stepMarketClock, useSteppedMarketClock } from "../src/platform/clocks.ts";
import { createTracer } from "../src/platform/tracer.ts";
import { sloMonitorStub } from "../src/platform/stubs.ts";
import { type Phase, runUntilRest } from "./stack/step-rounds.ts";
import { unlimitedEnv } from "./stack/unlimited-env.ts";

// The whole service, with market time handed to the driver of the local stack.
useSteppedMarketClock("development");

export {
  BackfillQueue,
  ConfigStore,
  MetricsHub,
  ProviderBreaker,
  SloMonitor,
  SymbolGroup,
} from "../src/index.ts";

/** Every so many answers, one is handed over twice, or once more two ticks later. */
const TWICE_EVERY = 50;
const AGAIN_EVERY = 70;
const AGAIN_AFTER_MS = 2 * MINUTE_MS;

/** Jobs and tasks begun: what shows whether an object may have got work after it had come to rest. */
let runnerCalls = 0;
let answers = 0;
let held: { atMs: number; job: GroupFetch; outcome: PollOutcome }[] = [];

/** The service's runner as a bad network would have it: answers arrive twice, and late. */
export class FetchRunner extends ServiceFetchRunner {
  override async run(job: GroupFetch, origin?: CallOrigin): Promise<void> {
    const settings = await liveSettings(this.env);
    runnerCalls += 1;
    const keepAlive = (work: Promise<void>) => this.ctx.waitUntil(work);
    const tracer = createTracer({ on: settings.traced, at: "runner", env: this.env, keepAlive });
    const outcome = await tracer.join(readOrigin(origin), "run a fetch", () =>
      runAndIngest(job, settings, this.env),
    );
    if (!isImpolite(this.env)) return;
    answers += 1;
    if (answers % TWICE_EVERY === 0) await handOver(job, outcome, this.env);
    if (answers % AGAIN_EVERY === 0)
      held.push({ atMs: marketClock.now() + AGAIN_AFTER_MS, job, outcome });
  }

  override async runBackfill(run: BackfillRun, origin?: CallOrigin): Promise<BackfillEnd> {
    runnerCalls += 1;
    return await super.runBackfill(run, origin);
  }

  override async runTask(task: Task, origin?: CallOrigin): Promise<void> {
    runnerCalls += 1;
    await super.runTask(task, origin);
  }
}

function isImpolite(env: object): boolean {
  return "IMPOLITE_RUNNER" in env && env.IMPOLITE_RUNNER === "true";
}

async function handOver(job: GroupFetch, outcome: PollOutcome, env: Env): Promise<void> {
  await env.SYMBOL_GROUP.getByName(groupName(job.group)).ingest(job.duty, {
    ...outcome,
    calls: [],
    selected: [],
  });
}

/**
 * `POST /dev/step {"now"}`: sets market time, runs everything that is due by then and answers when the
 * stack is quiet, with the next due instant: `{"next_due_ms": number | null}`.
 */
async function step(request: Request, settings: Settings, env: Env): Promise<Response> {
  const body: unknown = await request.json();
  const now =
    typeof body === "object" && body !== null && "now" in body ? Number(body.now) : Number.NaN;
  stepMarketClock(now);
  const late = held.filter((item) => item.atMs <= now);
  held = held.filter((item) => item.atMs > now);
  for (const item of late) await handOver(item.job, item.outcome, env);
  const dueMs = await runUntilRest(phasesOf(settings, env), now, () => runnerCalls);
  const times = [...held.map((item) => item.atMs), ...(dueMs === null ? [] : [dueMs])];
  return Response.json({ next_due_ms: times.length === 0 ? null : Math.min(...times) });
}

/** What is stepped, each phase after the one whose objects hand work to it. */
function phasesOf(settings: Settings, env: Env): Phase[] {
  const groups = Array.from({ length: settings.symbolGroups }, (_, group) =>
    env.SYMBOL_GROUP.getByName(groupName(group)),
  );
  const extraHosts = REGIONS.flatMap((region) =>
    Array.from({ length: settings.config.stream.extra_hosts }, (_, number) =>
      env.SYMBOL_GROUP.getByName(hostName({ kind: "extra", region, number })),
    ),
  );
  const queues = TIERS.map((tier) => env.BACKFILL_QUEUE.getByName(tier));
  // The monitor last, so that a sample finds what the step has drained.
  return [groups, extraHosts, queues, [sloMonitorStub(env)]];
}

const asLimited = unlimitedEnv<Env>();

/** Whether the driver has set market time since the runtime began. */
function isTimeKnown(): boolean {
  try {
    marketClock.now();
    return true;
  } catch {
    return false;
  }
}

export default {
  ...service,
  async scheduled(controller, env, ctx) {
    stepMarketClock(controller.scheduledTime);
    await service.scheduled(controller, env, ctx);
  },
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    // Clients that come back at once after a restart would find objects that can't tell the time.
    if (pathname !== "/dev/step" && pathname !== "/health" && !isTimeKnown())
      return new Response("market time has not been set yet", { status: 503 });
    if (pathname !== "/dev/step") return await service.fetch(request, asLimited(env), ctx);
    const read = readSettings(env);
    if (!read.ok) return Response.json({ faults: read.faults }, { status: 503 });
    if (request.headers.get("authorization") !== `Bearer ${read.settings.bootstrapKey}`) {
      return new Response(null, { status: 401 });
    }
    return await step(request, await liveSettings(env), env);
  },
} satisfies ExportedHandler<Env>;
