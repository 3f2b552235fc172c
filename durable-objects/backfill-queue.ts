import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { BackfillDesk } from "../src/backfill/backfill-desk.ts";
import type { QueueRules } from "../src/backfill/hole-queue.ts";
import { ActingConfig } from "../src/config/acting-config.ts";
import {
  HOLE_ORIGINS,
  type HoleOrigin,
  type HolePage,
  type OfferAnswer,
  type OfferedHole,
  offeredHolesSchema,
  type QueueStatus,
} from "../src/contracts/backfill.ts";
import type { ConfigStamp, HeldConfig } from "../src/contracts/config-version.ts";
import { type Death, deathSchema } from "../src/contracts/dead-letter.ts";
import { type Tier, TIERS } from "../src/domain/tier.ts";
import type { EpochMs } from "../src/domain/time.ts";
import { SECOND_MS } from "../src/domain/time.ts";
import { calendarOf, readSettings, type Settings } from "../src/env.ts";
import { marketClock } from "../src/platform/clocks.ts";
import { AlarmKeeper } from "../src/platform/alarm-keeper.ts";
import { migrateObject } from "../src/platform/object-migrations.ts";
import { callOrigin, maybeTrace } from "../src/platform/trace.ts";
import { createTracer, UNTRACED } from "../src/platform/tracer.ts";
import { metricsHubStub, symbolGroupStub } from "../src/platform/stubs.ts";
import { BACKFILL_QUEUE_SCHEMA } from "./sqlite/backfill-queue-schema.ts";

/** Work that is due again at once would keep a driver for ever. */
const MAX_QUIET_ROUNDS = 10_000;

/**
 * The atom of one tier's backfill: the holes that its groups offered and operators asked for, which job has
 * which of them until when, and the dead ones whose letters Postgres has not confirmed.
 *
 * All of it is durable. A job that is under way when the object is reset is run again when its lease is
 * over; what it brought is the group's, and the same answer twice changes nothing.
 */
export class BackfillQueue extends DurableObject<Env> {
  #desk: BackfillDesk | null = null;
  #tracer = UNTRACED;
  #alarm: AlarmKeeper;
  #config: ActingConfig;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrateObject(ctx.storage, BACKFILL_QUEUE_SCHEMA);
    this.#alarm = new AlarmKeeper(ctx.storage, () => this.#desk?.nextDueMs() ?? null);
    this.#config = new ActingConfig(env);
    const read = readSettings(env);
    if (!read.ok) return;
    this.#desk = this.#createDesk();
    const keepAlive = (work: Promise<void>) => ctx.waitUntil(work);
    const at = `backfill ${ctx.id.name}`;
    this.#tracer = createTracer({ on: read.settings.traced, at, env, keepAlive });
    this.#alarm.ensure();
  }

  override async alarm(): Promise<void> {
    this.#alarm.fired();
    await this.runDue();
  }

  /** Takes holes, oldest first, up to the cap; what it holds already is taken again and changes nothing. */
  async offer(holes: readonly OfferedHole[], origin: HoleOrigin): Promise<OfferAnswer> {
    await this.#config.renew();
    const offered = offeredHolesSchema.parse(holes);
    const answer = this.#deskSide().offer(offered, z.enum(HOLE_ORIGINS).parse(origin));
    this.#alarm.ensure();
    return answer;
  }

  /** Starts what may be started, without awaiting it, and says when the next is due. */
  async runDue(): Promise<EpochMs | null> {
    await this.#config.renew();
    const desk = this.#deskSide();
    const nextMs = this.#tracer.begin("backfill alarm", () => desk.runDue(), "dropped");
    this.#alarm.ensure();
    return nextMs;
  }

  /** The watchdog's ping, each minute: a lost alarm is set again, and the totals are reported. */
  async ping(): Promise<void> {
    this.#alarm.ensure();
    await this.#deskSide().report();
  }

  /** Runs what is due until nothing is due or running any more: for a driver of stepped market time. */
  async runUntilQuiet(): Promise<EpochMs | null> {
    const desk = this.#deskSide();
    for (let round = 0; round < MAX_QUIET_ROUNDS; round += 1) {
      await this.runDue();
      await desk.inFlight.idle();
      const nextMs = desk.nextDueMs();
      if (nextMs === null || nextMs > marketClock.now()) return nextMs;
    }
    throw new Error("the queue does not come to rest");
  }

  /** Postgres holds the letters of these deaths: their rows go. Of any other death nothing changes. */
  confirmDead(deaths: readonly Death[]): void {
    this.#deskSide().confirmDead(z.array(deathSchema).parse(deaths));
  }

  /** How many of `wanted` dead letters may be requeued now, and how long to wait when it is none. */
  takeRequeues(wanted: number): { granted: number; waitMs: number } {
    return this.#deskSide().takeRequeues(z.number().int().positive().parse(wanted));
  }

  /** A page of the holes in the order in which they are run; `after` is the `next` of the page before. */
  list(after: number | null, limit: number): HolePage {
    return this.#deskSide().list(after, limit);
  }

  async status(): Promise<QueueStatus> {
    await this.#config.renew();
    return this.#deskSide().status();
  }

  /** Which configuration is held; first learns that another version is the active one. */
  async learnConfig(told: ConfigStamp | null): Promise<HeldConfig> {
    return await this.#config.learn(told);
  }

  #createDesk(): BackfillDesk {
    const { ctx, env } = this;
    const tier = tierOf(ctx.id.name ?? "");
    return new BackfillDesk({
      storage: ctx.storage,
      tier,
      rules: () => rulesOf(tier, this.#config.settings),
      renewRules: async () => {
        await this.#config.renew();
      },
      configVersion: () => this.#config.lowest(),
      now: () => marketClock.now(),
      random: () => Math.random(),
      newId: () => crypto.randomUUID(),
      keepAlive: (work) => ctx.waitUntil(work),
      run: (run) =>
        maybeTrace("backfill job", async () =>
          ctx.exports.FetchRunner.runBackfill(run, callOrigin()),
        ),
      tellDead: async (group, ranges) => {
        await symbolGroupStub(env, group).holesDied(ranges);
      },
      sendLetters: async (letters) => {
        await env.BACKFILL_DLQ.sendBatch(letters.map((body) => ({ body })));
      },
      report: (totals) => metricsHubStub(env).report(`backfill-${tier}`, totals),
      onChange: () => this.#alarm.ensure(),
    });
  }

  #deskSide(): BackfillDesk {
    if (this.#desk === null) throw new Error("the service is not configured");
    return this.#desk;
  }
}

function rulesOf(tier: Tier, settings: Settings): QueueRules {
  const { backfill, sessions } = settings.config;
  return {
    cap: backfill.cap[tier],
    leaseMs: backfill.lease_s * SECOND_MS,
    resendMs: backfill.dlq_resend_s * SECOND_MS,
    policy: {
      attempts: backfill.attempts,
      backoffMs: backfill.backoff_s * SECOND_MS,
      maxBackoffMs: backfill.max_backoff_s * SECOND_MS,
    },
    window: { calendar: calendarOf(settings), sessions },
  };
}

function tierOf(name: string): Tier {
  const tier = TIERS.find((each) => each === name);
  if (tier === undefined) throw new RangeError(`${name} is not a tier`);
  return tier;
}
