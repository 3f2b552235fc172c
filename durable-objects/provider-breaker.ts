import { DurableObject } from "cloudflare:workers";
import { createDurable } from "itty-durable";
import { z } from "zod";
import {
  type Breaker,
  breakerScore,
  breakerState,
  NEW_BREAKER,
  recordOutcome,
  takeProbe,
} from "../src/domain/breaker.ts";
import {
  correctCredits,
  type CreditLane,
  type RateNotice,
  refillCredits,
  returnCredits,
  takeCredits,
} from "../src/domain/credits.ts";
import { type HealthSample, sampleHealth } from "../src/domain/health-sample.ts";
import { CAPABILITIES, type Capability, PROVIDER_IDS } from "../src/domain/provider-id.ts";
import { readSettings, type Settings } from "../src/env.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { errorText, log } from "../src/platform/log.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { configStoreStub } from "../src/platform/stubs.ts";
import { callsPerMinute } from "../src/providers/registry.ts";
import type { Admission, CallsReport, CreditGrant } from "../src/routing/admission.ts";
import {
  type BreakerStorage,
  breakerStorageSchema,
  isolationSchema,
  outcomeSchema,
  rateNoticeSchema,
} from "../src/routing/breaker-storage.ts";
import { type Decision, decisionSchema } from "../src/routing/decision.ts";
import { entitlementSchema } from "../src/routing/entitlement.ts";
import type { Isolation } from "../src/routing/isolation.ts";
import { type DecidedMinute, ProviderHistory } from "../src/routing/provider-history.ts";
import type { ProviderSnapshot } from "../src/routing/provider-snapshot.ts";
import { PROVIDER_BREAKER_SCHEMA } from "./sqlite/provider-breaker-schema.ts";

/** An isolation that was read longer ago than this, wall ms, is read again before anybody acts on it. */
const ISOLATION_TTL_MS = 5_000;

/** The itty-durable state of a provider: plain properties, written as one value by `persist()`. */
class ProviderState extends createDurable() {
  breakers: BreakerStorage["breakers"] = {};
  credits: BreakerStorage["credits"] = null;
  isolation: BreakerStorage["isolation"] = { revision: 0, isolated: null };
  entitlements: BreakerStorage["entitlements"] = {};

  /** Only what is named here is stored: the library would take every own property. */
  override getPersistable(): BreakerStorage {
    const { breakers, credits, isolation, entitlements } = this;
    return { breakers, credits, isolation, entitlements };
  }
}

/**
 * The atom of one provider: its breaker and window per capability, its credits, and the history that
 * answers for them. All of it is durable; whether a person isolated it is ConfigStore's and only
 * learned here. No alarm: half-open and the refill of credits are derived from market time. The hot
 * state is held by itty-durable, which never sees a request: its loading and storing are called from
 * here, so that this stays a native class with typed RPC.
 */
export class ProviderBreaker extends DurableObject<Env> {
  #settings: Settings | null;
  #state: ProviderState;
  #history: ProviderHistory;
  #loaded = false;
  #isolationReadAtMs: number | null = null;
  #isolationRead: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const read = readSettings(env);
    this.#settings = read.ok ? read.settings : null;
    migrateObject(ctx.storage, PROVIDER_BREAKER_SCHEMA);
    this.#history = new ProviderHistory(ctx.storage);
    this.#state = new ProviderState(ctx, {});
  }

  /** How the breaker stands. */
  async admission(capability: Capability): Promise<Admission> {
    await this.#load();
    await this.#refreshIsolation();
    const { state, score } = this.#standing(capability);
    return { state, h: score.h };
  }

  /** Lets a job through a half-open breaker; false when enough are on their way. */
  async takeProbe(capability: Capability): Promise<boolean> {
    await this.#load();
    const probed = takeProbe(this.#breaker(capability), marketClock.now());
    if (probed === null) return false;
    this.#setBreaker(capability, probed);
    await this.#state.persist();
    return true;
  }

  /** Hands out credits of this provider's plan, up to `wanted`, of what the lane may take. */
  async takeCredits(wanted: number, lane: CreditLane): Promise<CreditGrant> {
    await this.#load();
    const { credits, granted, waitMs } = takeCredits(this.#state.credits, {
      wanted,
      lane,
      nowMs: marketClock.now(),
      perMinute: this.#perMinute(),
    });
    this.#state.credits = credits;
    await this.#state.persist();
    return { granted, waitMs };
  }

  /** Takes in what the provider said of its quota. */
  async correctCredits(notice: RateNotice): Promise<void> {
    await this.#load();
    this.#correct(rateNoticeSchema.parse(notice));
    await this.#state.persist();
  }

  /** Takes in how a job's calls ended, its unspent credits, and what they showed of quota and rights. */
  async report(capability: Capability, report: CallsReport): Promise<void> {
    await this.#load();
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#required().config;
    const nowMs = marketClock.now();
    this.#state.credits = returnCredits(this.#state.credits, report.unspentCredits);
    if (report.rate !== null) this.#correct(rateNoticeSchema.parse(report.rate));
    if (report.entitlement !== null) {
      const entitlement = entitlementSchema.parse(report.entitlement);
      this.#state.entitlements = { ...this.#state.entitlements, [capability]: entitlement };
    }
    const outcomes = z.array(outcomeSchema).parse(report.outcomes);
    const breaker = outcomes.reduce(
      (state, outcome) => recordOutcome(state, outcome, nowMs, config, latencyCapMs),
      this.#breaker(capability),
    );
    this.#setBreaker(capability, breaker);
    const standing = { nowMs, ...this.#standing(capability) };
    const sample = sampleHealth(this.#history.lastSample(capability), outcomes, standing);
    if (sample !== null) this.#history.addSample(capability, sample);
    await this.#state.persist();
  }

  /** Keeps what a job decided about this provider. */
  async recordDecision(decision: Decision): Promise<void> {
    this.#history.addDecision(decisionSchema.parse(decision));
  }

  /** Learns whether a person isolated this provider; older tidings than the known ones change nothing. */
  async learnIsolation(isolation: Isolation): Promise<void> {
    await this.#load();
    const learned = isolationSchema.parse(isolation);
    this.#isolationReadAtMs = wallClock.now();
    if (learned.revision <= this.#state.isolation.revision) return;
    this.#state.isolation = learned;
    await this.#state.persist();
  }

  /** Everything as it stands; capabilities that were never called are left out. */
  async snapshot(): Promise<ProviderSnapshot> {
    await this.#load();
    await this.#refreshIsolation();
    const perMinute = this.#perMinute();
    const credits = refillCredits(this.#state.credits, marketClock.now(), perMinute);
    const { entitlements, breakers } = this.#state;
    return {
      isolated: this.#state.isolation.isolated,
      credits: { left: credits.left, perMinute, window: credits.window },
      capabilities: CAPABILITIES.filter(
        (capability) =>
          breakers[capability] !== undefined || entitlements[capability] !== undefined,
      ).map((capability) => ({
        capability,
        ...this.#standing(capability),
        entitlement: entitlements[capability] ?? null,
      })),
    };
  }

  /** The health samples of a capability, oldest first. */
  async healthHistory(capability: Capability): Promise<HealthSample[]> {
    return this.#history.samples(capability);
  }

  /** The last decisions about this provider, newest first; with an instant, those of its minute. */
  async decisions(limit: number, minuteMs: number | null): Promise<DecidedMinute[]> {
    return this.#history.decisions(limit, minuteMs);
  }

  #standing(capability: Capability) {
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#required().config;
    const nowMs = marketClock.now();
    const breaker = this.#breaker(capability);
    return {
      state: breakerState(breaker, nowMs),
      score: breakerScore(breaker, nowMs, config, latencyCapMs),
    };
  }

  #breaker(capability: Capability): Breaker {
    const known = this.#state.breakers[capability] ?? NEW_BREAKER;
    return { ...known, isolated: this.#state.isolation.isolated !== null };
  }

  #setBreaker(capability: Capability, breaker: Breaker): void {
    this.#state.breakers = {
      ...this.#state.breakers,
      [capability]: { ...breaker, window: [...breaker.window] },
    };
  }

  #correct(notice: RateNotice): void {
    const { credits } = this.#state;
    this.#state.credits = correctCredits(credits, notice, marketClock.now(), this.#perMinute());
  }

  /** Asks ConfigStore again when what is known is old; who comes meanwhile waits for the same answer. */
  async #refreshIsolation(): Promise<void> {
    const readAtMs = this.#isolationReadAtMs;
    if (readAtMs !== null && wallClock.now() - readAtMs <= ISOLATION_TTL_MS) return;
    this.#isolationRead ??= this.#readIsolation().finally(() => (this.#isolationRead = null));
    await this.#isolationRead;
  }

  /** While ConfigStore can't be reached, what is known holds on. */
  async #readIsolation(): Promise<void> {
    const provider = PROVIDER_IDS.find((id) => id === this.ctx.id.name);
    if (provider === undefined) return;
    try {
      await this.learnIsolation(await configStoreStub(this.env).isolation(provider));
    } catch (error) {
      this.#isolationReadAtMs = wallClock.now();
      log("warn", "the isolation of a provider could not be read", {
        provider,
        error: errorText(error),
      });
    }
  }

  /** Loads once; what storage holds was written by an earlier version of this code, so it is parsed. */
  async #load(): Promise<void> {
    if (this.#loaded) return;
    await this.#state.loadFromStorage();
    Object.assign(this.#state, breakerStorageSchema.parse(this.#state.getPersistable()));
    this.#loaded = true;
  }

  #perMinute(): number {
    return callsPerMinute(this.ctx.id.name ?? "", this.#required());
  }

  #required(): Settings {
    if (this.#settings === null) throw new Error("the service is not configured");
    return this.#settings;
  }
}
