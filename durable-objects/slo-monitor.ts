import { DurableObject } from "cloudflare:workers";
import { ActingConfig } from "../src/config/acting-config.ts";
import { AuditCopier } from "../src/config/audit-copier.ts";
import type { ConfigStamp, HeldConfig } from "../src/contracts/config-version.ts";
import { groupOf } from "../src/domain/symbol.ts";
import { minuteGraceMs } from "../src/domain/slo.ts";
import type { EpochMs } from "../src/domain/time.ts";
import { SECOND_MS } from "../src/domain/time.ts";
import { calendarOf, readSettings, type Settings } from "../src/env.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { createTracer, UNTRACED } from "../src/platform/tracer.ts";
import { configStoreStub, metricsHubStub, symbolGroupStub } from "../src/platform/stubs.ts";
import { readNewestAct, storeActs } from "../src/postgres/config-audit-store.ts";
import { sqlClientOf } from "../src/postgres/service-client.ts";
import { readSlo } from "../src/postgres/slo-store.ts";
import { minuteDelay } from "../src/routing/minute-delay.ts";
import { MetaStore } from "../src/platform/meta-store.ts";
import { Canary, CANARY_SYMBOL } from "../src/slo/canary.ts";
import type { Pulse } from "../src/slo/pulse.ts";
import { SampleStore } from "../src/slo/sample-store.ts";
import { SERVICE_GROUP } from "../src/symbol-group/service-duties.ts";
import { Sampler, type SamplerRules, type SloStatus } from "../src/slo/sampler.ts";
import { SLO_MONITOR_SCHEMA } from "./sqlite/slo-monitor-schema.ts";

/** What `status` gives at most. */
const MAX_STATUS_SAMPLES = 100;

const LAST_TICK = "last_tick_ms";

/**
 * The atom of what the service has promised: samples of what Postgres lacks. Durable: the last samples,
 * whose numbers say whose turn is next, and when the cron came last. The next sample's time follows from the last
 * one, so the alarm may be lost: whoever pings sets it again. While the market is open the canary's socket keeps the object
 * awake; its position and totals are durable. As the one whom the cron wakes each minute and who has the database
 * at hand, it also copies ConfigStore's audit there.
 */
export class SloMonitor extends DurableObject<Env> {
  /** Null while the service is not configured. */
  #sampler: Sampler | null = null;
  #canary: Canary | null = null;
  #copier: AuditCopier | null = null;
  #meta: MetaStore;
  #config: ActingConfig;
  #tracer = UNTRACED;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, SLO_MONITOR_SCHEMA);
    this.#meta = new MetaStore(ctx.storage.sql);
    this.#config = new ActingConfig(env);
    const read = readSettings(env);
    if (!read.ok) return;
    this.#sampler = createSampler(ctx, env, read.settings, this.#config);
    this.#copier = createCopier(ctx, env, read.settings);
    const keepAlive = (work: Promise<void>) => ctx.waitUntil(work);
    this.#tracer = createTracer({ on: read.settings.traced, at: "slo", env, keepAlive });
    // A driver of stepped market time waits until nobody has anything to do: a canary always has.
    if (!marketClock.stepped) this.#canary = createCanary(ctx, env, read.settings);
  }

  override async alarm(): Promise<void> {
    try {
      await this.#config.renew();
      await this.#tracer.begin("slo alarm", async () => this.#sampler?.runDue(), "dropped");
      await this.#keepCanary();
    } finally {
      await this.#ensureAlarm();
    }
  }

  /** The cron tick, each minute: the watchdog of the alarm. */
  async ping(): Promise<void> {
    this.#meta.set(LAST_TICK, wallClock.now());
    await this.#config.renew();
    await this.#ensureAlarm();
    await Promise.all([this.#lookAfter(), this.#copier?.run()]);
  }

  /** Takes the sample that is due, if one is, and says when the next one will be. */
  async runDue(): Promise<EpochMs> {
    await this.#config.renew();
    await this.#configured().runDue();
    return this.#configured().nextMs();
  }

  /** As the verb of SymbolGroup, for a driver of stepped market time: a sample leaves nothing behind. */
  async runUntilQuiet(): Promise<EpochMs> {
    return await this.runDue();
  }

  /** The last samples and the error budgets. */
  async status(samples: number): Promise<SloStatus> {
    await this.#config.renew();
    return this.#configured().status(Math.min(samples, MAX_STATUS_SAMPLES));
  }

  /** When the cron and the last sample were: what readiness judges the heartbeats by. */
  async pulse(): Promise<Pulse> {
    const sampler = this.#configured();
    const last = sampler.last();
    return {
      lastTickMs: this.#meta.getNumber(LAST_TICK),
      lastSample: last === null ? null : { atMs: last.atMs, state: last.state },
      nextSampleMs: sampler.nextMs(),
    };
  }

  /** Which configuration is held; first learns that another version is the active one, with its cadence. */
  async learnConfig(told: ConfigStamp | null): Promise<HeldConfig> {
    const held = await this.#config.learn(told);
    if (told !== null) await this.#ensureAlarm();
    return held;
  }

  /** Arms the alarm when it is lost or past, or later than it should be. Stepped market time has none. */
  async #ensureAlarm(): Promise<void> {
    if (this.#sampler === null || marketClock.stepped) return;
    const nowMs = marketClock.now();
    const atMs = Math.max(this.#sampler.nextMs(), nowMs + 1);
    const armedMs = await this.ctx.storage.getAlarm();
    if (armedMs !== null && armedMs > nowMs && armedMs <= atMs) return;
    await this.ctx.storage.setAlarm(atMs);
  }

  async #lookAfter(): Promise<void> {
    await this.#configured().lookAfter();
    await this.#keepCanary();
  }

  async #keepCanary(): Promise<void> {
    const kind = this.#configured().sessionKind();
    await this.#canary?.keep(kind === "regular");
  }

  #configured(): Sampler {
    if (this.#sampler === null) throw new Error("the service is not configured");
    return this.#sampler;
  }
}

function createCanary(ctx: DurableObjectState, env: Env, settings: Settings): Canary {
  const meta = new MetaStore(ctx.storage.sql, "canary:");
  return new Canary({
    memory: meta,
    connect: async () => {
      const home = symbolGroupStub(env, groupOf(CANARY_SYMBOL, settings.symbolGroups));
      const { webSocket, status } = await home.fetch("https://canary.internal/v1/stream", {
        headers: { Upgrade: "websocket" },
      });
      if (webSocket === null) throw new Error(`the upgrade was answered with ${status}`);
      return webSocket;
    },
    now: () => marketClock.now(),
    report: (totals) => metricsHubStub(env).report("canary", totals),
  });
}

function createCopier(ctx: DurableObjectState, env: Env, settings: Settings): AuditCopier {
  const sql = sqlClientOf(settings);
  return new AuditCopier({
    after: (place, limit) => configStoreStub(env).auditAfter(place, limit),
    newest: () => readNewestAct(sql),
    store: (acts) => storeActs(sql, acts),
    memory: new MetaStore(ctx.storage.sql, "audit:").cell("copied"),
    now: () => wallClock.now(),
  });
}

function createSampler(
  ctx: DurableObjectState,
  env: Env,
  settings: Settings,
  config: ActingConfig,
): Sampler {
  const sql = sqlClientOf(settings);
  return new Sampler({
    store: new SampleStore(ctx.storage.sql),
    rules: () => rulesOf(config.settings),
    configVersion: () => config.lowest(),
    now: () => marketClock.now(),
    read: (due, places) => readSlo(sql, due, places),
    audit: async (date, symbols) => {
      const groups = new Set(symbols.map((symbol) => groupOf(symbol, settings.symbolGroups)));
      await symbolGroupStub(env, SERVICE_GROUP).askAudit(date, [...groups]);
    },
    report: (totals) => metricsHubStub(env).report("slo", totals),
  });
}

function rulesOf(settings: Settings): SamplerRules {
  const { slo, settle_delay_s: settleDelayS } = settings.config;
  return {
    schedule: {
      calendar: calendarOf(settings),
      everyMs: slo.every_s * SECOND_MS,
      graceMs: minuteGraceMs(settleDelayS * SECOND_MS, minuteDelay(settings).planDelayMs),
    },
    sampleSize: slo.sample,
    targets: slo.targets,
  };
}
