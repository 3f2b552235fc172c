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
import { returnCredits, takeCredits } from "../src/domain/credits.ts";
import type { Outcome } from "../src/domain/health.ts";
import { CAPABILITIES, type Capability } from "../src/domain/provider-id.ts";
import { readSettings, type Settings } from "../src/env.ts";
import { marketClock } from "../src/platform/clocks.ts";
import { callsPerMinute } from "../src/providers/registry.ts";
import type { Admission, CreditGrant } from "../src/routing/admission.ts";

const outcomeSchema = z.object({
  atMs: z.number(),
  ok: z.boolean(),
  limited: z.boolean().default(false),
  durationMs: z.number(),
  asked: z.number(),
  answered: z.number(),
});
const openedSchema = z.object({
  atMs: z.number(),
  cooldownMs: z.number(),
  probes: z.number(),
  probedAtMs: z.number(),
});
const breakerSchema = z.object({
  opened: openedSchema.nullable(),
  isolated: z.boolean(),
  window: z.array(outcomeSchema),
});
const persistedSchema = z.object({
  breakers: z.partialRecord(z.enum(CAPABILITIES), breakerSchema).default({}),
  credits: z.object({ left: z.number(), atMs: z.number() }).nullable().default(null),
});
type Persisted = z.infer<typeof persistedSchema>;

/** The itty-durable state of a provider: plain properties, written as one value by `persist()`. */
class ProviderState extends createDurable() {
  breakers: Persisted["breakers"] = {};
  credits: Persisted["credits"] = null;

  /** Only what is named here is stored: the library would take every own property. */
  override getPersistable(): Persisted {
    return { breakers: this.breakers, credits: this.credits };
  }
}

/**
 * The atom of one provider: its breaker and window per capability, and its credits. All of it is
 * durable. No alarm: half-open and the refill of credits are derived from market time. The state is
 * held by itty-durable, which never sees a request: its loading and storing are called from here, so
 * that this stays a native class with typed RPC.
 */
export class ProviderBreaker extends DurableObject<Env> {
  #settings: Settings | null;
  #state: ProviderState;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const read = readSettings(env);
    this.#settings = read.ok ? read.settings : null;
    this.#state = new ProviderState(ctx, {});
  }

  /** How the breaker stands. */
  async admission(capability: Capability): Promise<Admission> {
    const nowMs = marketClock.now();
    const breaker = await this.#breaker(capability);
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#config();
    const { h } = breakerScore(breaker, nowMs, config, latencyCapMs);
    return { state: breakerState(breaker, nowMs), h };
  }

  /** Lets a job through a half-open breaker; false when enough are on their way. */
  async takeProbe(capability: Capability): Promise<boolean> {
    const probed = takeProbe(await this.#breaker(capability), marketClock.now());
    if (probed !== null) await this.#store(capability, probed);
    return probed !== null;
  }

  /** Hands out credits of this provider's plan, up to `wanted`. */
  async takeCredits(wanted: number): Promise<CreditGrant> {
    await this.#load();
    const perMinute = callsPerMinute(this.ctx.id.name ?? "", this.#required());
    const { credits, granted, waitMs } = takeCredits(
      this.#state.credits,
      wanted,
      marketClock.now(),
      perMinute,
    );
    this.#state.credits = credits;
    await this.#state.persist();
    return { granted, waitMs };
  }

  /** Takes the outcomes of a job's calls in, oldest first, and its unspent credits back. */
  async report(
    capability: Capability,
    outcomes: readonly Outcome[],
    unspentCredits: number,
  ): Promise<void> {
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#config();
    const nowMs = marketClock.now();
    let breaker = await this.#breaker(capability);
    this.#state.credits = returnCredits(this.#state.credits, unspentCredits);
    for (const outcome of z.array(outcomeSchema).parse(outcomes))
      breaker = recordOutcome(breaker, outcome, nowMs, config, latencyCapMs);
    await this.#store(capability, breaker);
  }

  /** Breaker and score of each capability that was ever called. */
  async snapshot() {
    await this.#load();
    const { breaker: config, latency_cap_ms: latencyCapMs } = this.#config();
    const nowMs = marketClock.now();
    return CAPABILITIES.flatMap((capability) => {
      const breaker = this.#state.breakers[capability];
      if (breaker === undefined) return [];
      const score = breakerScore(breaker, nowMs, config, latencyCapMs);
      return [{ capability, state: breakerState(breaker, nowMs), score }];
    });
  }

  async #breaker(capability: Capability): Promise<Breaker> {
    await this.#load();
    return this.#state.breakers[capability] ?? NEW_BREAKER;
  }

  async #store(capability: Capability, breaker: Breaker): Promise<void> {
    this.#state.breakers = {
      ...this.#state.breakers,
      [capability]: { ...breaker, window: [...breaker.window] },
    };
    await this.#state.persist();
  }

  /** Loads once; what storage holds was written by an earlier version of this code, so it is parsed. */
  async #load(): Promise<void> {
    await this.#state.loadFromStorage();
    const { breakers, credits } = persistedSchema.parse(this.#state.getPersistable());
    this.#state.breakers = breakers;
    this.#state.credits = credits;
  }

  #config() {
    return this.#required().config;
  }

  #required(): Settings {
    if (this.#settings === null) throw new Error("the service is not configured");
    return this.#settings;
  }
}
