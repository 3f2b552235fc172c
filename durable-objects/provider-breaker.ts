import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { ActingConfig } from "../src/config/acting-config.ts";
import type { ConfigStamp, HeldConfig } from "../src/contracts/config-version.ts";
import {
  type Breaker,
  breakerScore,
  breakerState,
  hearOutage,
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
import type { Outcome } from "../src/domain/health.ts";
import { type HealthSample, sampleHealth } from "../src/domain/health-sample.ts";
import {
  CAPABILITIES,
  type Capability,
  PROVIDER_IDS,
  type ProviderId,
} from "../src/domain/provider-id.ts";
import { isCanonicalSymbol } from "../src/domain/symbol.ts";
import type { Settings } from "../src/env.ts";
import { marketClock, wallClock } from "../src/platform/clocks.ts";
import { errorText, log } from "../src/platform/log.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { configStoreStub, providerBreakerStub } from "../src/platform/stubs.ts";
import { accountMark, creditOwner, hostMates } from "../src/providers/account.ts";
import { callsPerMinute } from "../src/providers/registry.ts";
import type { Admission, CallsReport, CreditGrant } from "../src/routing/admission.ts";
import { BadSymbolStore } from "../src/routing/bad-symbol-store.ts";
import {
  isolationSchema,
  outcomeSchema,
  rateNoticeSchema,
} from "../src/routing/breaker-storage.ts";
import { type Decision, decisionSchema } from "../src/routing/decision.ts";
import { entitlementSchema } from "../src/routing/entitlement.ts";
import type { Isolation } from "../src/routing/isolation.ts";
import { IsolationWatch } from "../src/routing/isolation-watch.ts";
import { type DecidedMinute, ProviderHistory } from "../src/routing/provider-history.ts";
import {
  type ConfiguredKey,
  type KeyRights,
  keyStanding,
  learnEntitlement,
  tryKey,
} from "../src/routing/key-rights.ts";
import { planFacts } from "../src/routing/provider-facts.ts";
import type { CreditsSnapshot, ProviderSnapshot } from "../src/routing/provider-snapshot.ts";
import { ProviderState } from "./provider-state.ts";
import { PROVIDER_BREAKER_SCHEMA } from "./sqlite/provider-breaker-schema.ts";

/**
 * The atom of one provider: its breaker and window per capability, its credits, what its key may, and
 * the history that answers for them. Of providers on one host and key the first keeps the credits, and
 * the others pass on what concerns them. All of it is durable; whether a person isolated it is
 * ConfigStore's and only learned here. No alarm: half-open and the refill of credits are derived from
 * market time. The hot state is held by itty-durable, which never sees a request: its loading and
 * storing are called from here, so that this stays a native class with typed RPC.
 */
export class ProviderBreaker extends DurableObject<Env> {
  #config: ActingConfig;
  #state: ProviderState;
  #history: ProviderHistory;
  #badSymbols: BadSymbolStore;
  #isolation: IsolationWatch;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = new ActingConfig(env);
    migrateObject(ctx.storage, PROVIDER_BREAKER_SCHEMA);
    this.#history = new ProviderHistory(ctx.storage);
    this.#badSymbols = new BadSymbolStore(ctx.storage.sql);
    this.#state = new ProviderState(ctx, {});
    this.#isolation = new IsolationWatch({
      wall: wallClock,
      read: () => configStoreStub(env).isolation(this.#provider()),
      learn: (isolation) => this.learnIsolation(isolation),
    });
  }

  /** How the breaker stands, and what the key may. */
  async admission(capability: Capability): Promise<Admission> {
    await this.#load();
    await this.#isolation.refresh();
    const { state, score } = this.#standing(capability);
    const nowMs = marketClock.now();
    const { right, correction } = keyStanding(this.#rights(), capability, this.#key(), nowMs);
    return {
      state,
      h: score.h,
      right,
      badSymbols: this.#badSymbols.list(nowMs).map(({ symbol }) => symbol),
      ...(correction === null ? {} : { delayMs: correction.delayMs }),
    };
  }

  /** Lets a job through a half-open breaker or to a refused key; false when enough are on their way. */
  async takeProbe(capability: Capability): Promise<boolean> {
    await this.#load();
    const nowMs = marketClock.now();
    const rights = tryKey(this.#rights(), capability, this.#key(), nowMs);
    if (rights === null) return false;
    if (this.#standing(capability).state !== "closed") {
      const probed = takeProbe(this.#breaker(capability), nowMs);
      if (probed === null) return false;
      this.#setBreaker(capability, probed);
    }
    this.#setRights(rights);
    await this.#state.persist();
    return true;
  }

  /** Hands out credits of this provider's plan, up to `wanted`, of what the lane may take. */
  async takeCredits(wanted: number, lane: CreditLane): Promise<CreditGrant> {
    const owner = this.#creditOwner();
    // A copy: an answer of RPC that is passed on keeps its session open, and this object in memory.
    if (owner !== null) return { ...(await owner.takeCredits(wanted, lane)) };
    await this.#state.load();
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
    await this.settleCredits(0, notice);
  }

  /** Takes back what a job did not spend, and takes in the last that the provider said of its quota. */
  async settleCredits(unspent: number, rate: RateNotice | null): Promise<void> {
    const owner = this.#creditOwner();
    if (owner !== null) return await owner.settleCredits(unspent, rate);
    await this.#state.load();
    const perMinute = this.#perMinute();
    const returned = returnCredits(this.#state.credits, unspent);
    this.#state.credits =
      rate === null
        ? returned
        : correctCredits(returned, rateNoticeSchema.parse(rate), marketClock.now(), perMinute);
    await this.#state.persist();
  }

  /** What is left of the quota. */
  async credits(): Promise<CreditsSnapshot> {
    const owner = this.#creditOwner();
    if (owner !== null) return { ...(await owner.credits()) };
    await this.#state.load();
    const perMinute = this.#perMinute();
    const credits = refillCredits(this.#state.credits, marketClock.now(), perMinute);
    return { left: credits.left, perMinute, window: credits.window };
  }

  /** Takes in how a job's calls ended, its unspent credits, and what they showed of quota and key. */
  async report(capability: Capability, report: CallsReport): Promise<void> {
    await this.#state.load();
    await this.settleCredits(report.unspentCredits, report.rate);
    await this.#load();
    const nowMs = marketClock.now();
    this.#badSymbols.add((report.badSymbols ?? []).filter(isCanonicalSymbol), nowMs);
    if (report.entitlement !== null) {
      const entitlement = entitlementSchema.parse(report.entitlement);
      this.#setRights(learnEntitlement(this.#rights(), capability, entitlement, this.#key()));
    }
    const outcomes = z.array(outcomeSchema).parse(report.outcomes);
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#required().config;
    const breaker = outcomes.reduce(
      (state, outcome) => recordOutcome(state, outcome, nowMs, config, latencyCapMs),
      this.#breaker(capability),
    );
    // A report of credits alone says nothing of the capability: it is not one that was called.
    if (outcomes.length > 0) this.#setBreaker(capability, breaker);
    const standing = { nowMs, ...this.#standing(capability) };
    const sample = sampleHealth(this.#history.lastSample(capability), outcomes, standing);
    if (sample !== null) this.#history.addSample(capability, sample);
    await this.#state.persist();
    const outage = outcomes.findLast(({ transport }) => transport === true);
    if (outage !== undefined) await this.#tellMates(outage);
  }

  /** Hears that a provider on the same host could not be reached. */
  async hearOutage(outcome: Outcome): Promise<void> {
    await this.#load();
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#required().config;
    const heard = outcomeSchema.parse(outcome);
    const nowMs = marketClock.now();
    for (const capability of CAPABILITIES) {
      if (this.#state.breakers[capability] === undefined) continue;
      const breaker = this.#breaker(capability);
      this.#setBreaker(capability, hearOutage(breaker, heard, nowMs, config, latencyCapMs));
    }
    await this.#state.persist();
  }

  /** Keeps what a job decided about this provider. */
  async recordDecision(decision: Decision): Promise<void> {
    this.#history.addDecision(decisionSchema.parse(decision));
  }

  /** Learns whether a person isolated this provider; older tidings than the known ones change nothing. */
  async learnIsolation(isolation: Isolation): Promise<void> {
    await this.#state.load();
    const learned = isolationSchema.parse(isolation);
    this.#isolation.told();
    if (learned.revision <= this.#state.isolation.revision) return;
    this.#state.isolation = learned;
    await this.#state.persist();
  }

  /** Everything as it stands; capabilities that were never called are left out. */
  async snapshot(): Promise<ProviderSnapshot> {
    const configVersion = this.#config.lowest();
    await this.#load();
    await this.#isolation.refresh();
    const { entitlements, breakers, isolation } = this.#state;
    const nowMs = marketClock.now();
    const standing = (capability: Capability) =>
      keyStanding(this.#rights(), capability, this.#key(), nowMs);
    return {
      configVersion,
      isolated: isolation.isolated,
      credits: await this.credits(),
      creditOwner: creditOwner(this.#provider(), this.#required()),
      correction: standing("bars_1m").correction,
      badSymbols: this.#badSymbols.list(nowMs),
      capabilities: CAPABILITIES.filter(
        (capability) =>
          breakers[capability] !== undefined || entitlements[capability] !== undefined,
      ).map((capability) => ({
        capability,
        ...this.#standing(capability),
        entitlement: entitlements[capability] ?? null,
        right: standing(capability).right,
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

  /** Which configuration is held; first learns that another version is the active one. */
  async learnConfig(told: ConfigStamp | null): Promise<HeldConfig> {
    return await this.#config.learn(told);
  }

  /** What is known, and the configuration to judge it by. */
  async #load(): Promise<void> {
    await this.#config.renew();
    await this.#state.load();
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

  #rights(): KeyRights {
    const { entitlements, correction } = this.#state;
    return { entitlements, correction };
  }

  #setRights({ entitlements, correction }: KeyRights): void {
    this.#state.entitlements = { ...entitlements };
    this.#state.correction = correction;
  }

  #key(): ConfiguredKey {
    const provider = this.#provider();
    const settings = this.#required();
    const account = accountMark(provider, settings);
    return { provider, account, delayMs: planFacts(provider, settings)?.delayMs ?? 0 };
  }

  /** The object that keeps the credits; null when it is this one. */
  #creditOwner() {
    const owner = creditOwner(this.#provider(), this.#required());
    return owner === this.#provider() ? null : providerBreakerStub(this.env, owner);
  }

  /** Once a report, whatever it holds; a mate that can't be told finds out by itself. */
  async #tellMates(outage: Outcome): Promise<void> {
    const provider = this.#provider();
    for (const mate of hostMates(provider, this.#required())) {
      await providerBreakerStub(this.env, mate)
        .hearOutage(outage)
        .catch((error: unknown) => {
          log("warn", "a provider was not told of its host", { mate, error: errorText(error) });
        });
    }
  }

  #perMinute(): number {
    return callsPerMinute(this.#provider(), this.#required());
  }

  #provider(): ProviderId {
    const provider = PROVIDER_IDS.find((id) => id === this.ctx.id.name);
    if (provider === undefined) throw new Error(`no provider is called ${this.ctx.id.name}`);
    return provider;
  }

  #required(): Settings {
    return this.#config.settings;
  }
}
