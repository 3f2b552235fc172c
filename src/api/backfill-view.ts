import { z } from "zod";
import type { BackfillEstimate, FillCost } from "../backfill/estimate-backfill.ts";
import { HOLE_ORIGINS, type ListedHole, type QueueStatus } from "../contracts/backfill.ts";
import { PROVIDER_IDS, type ProviderId } from "../domain/provider-id.ts";
import { type Tier, TIERS } from "../domain/tier.ts";
import { type EpochMs, SECOND_MS, toIso } from "../domain/time.ts";

/** How the queue of a tier is doing. Times are market time. */
export const queueSchema = z.object({
  tier: z.enum(TIERS),
  /** Holes, and dead ones whose letters Postgres has not confirmed: what the cap bounds. */
  depth: z.number().int(),
  cap: z.number().int(),
  running: z.number().int(),
  unconfirmed: z.number().int(),
  /** Since when the hole that waits longest has waited; null: there is none. */
  oldest_age_s: z.number().nullable(),
  /** Nothing is started before, and why. */
  pause: z.object({ until: z.iso.datetime(), reason: z.string() }).nullable(),
});

/** A hole of a queue; the range is half-open. */
export const holeSchema = z.object({
  tier: z.enum(TIERS),
  group: z.number().int(),
  symbol: z.string(),
  interval: z.enum(["1m", "1d"]),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  priority: z.number().int(),
  origin: z.enum(HOLE_ORIGINS),
  state: z.enum(["queued", "running", "dead"]),
  attempts: z.number().int(),
  enqueued_at: z.iso.datetime(),
  /** When it is tried next; of a running one, until when its job has it; of a dead one, when it died. */
  due_at: z.iso.datetime(),
  last_error: z.string().nullable(),
});

const costShape = {
  /** Upper bound: bars of the minutes or dates that can have one. */
  rows: z.number().int(),
  /** Null when nobody serves it, as are credits and ETA. */
  calls: z.number().int().nullable(),
  credits: z.number().int().nullable(),
  eta_s: z.number().int().nullable(),
};

/** The answer to a dry run. */
export const estimateSchema = z.object({
  dry_run: z.literal(true),
  /** The first of the policy that serves it. */
  provider: z.enum(PROVIDER_IDS).nullable(),
  ...costShape,
  tiers: z.array(
    z.object({
      tier: z.enum(TIERS),
      symbols: z.number().int(),
      ...costShape,
      queue: queueSchema,
    }),
  ),
});

/** A tier's queue as `GET /ops/backfills` shows it. */
export function queueView(
  tier: Tier,
  status: QueueStatus,
  nowMs: EpochMs,
): z.infer<typeof queueSchema> {
  const { depth, cap, running, unconfirmed, oldestMs, pause } = status;
  return {
    tier,
    depth,
    cap,
    running,
    unconfirmed,
    oldest_age_s: oldestMs === null ? null : Math.max(0, nowMs - oldestMs) / SECOND_MS,
    pause: pause && { until: toIso(pause.untilMs), reason: pause.reason },
  };
}

/** A listed hole on the wire. */
export function holeView(tier: Tier, hole: ListedHole): z.infer<typeof holeSchema> {
  const { group, symbol, interval, priority, origin, state, attempts, lastError } = hole;
  return {
    tier,
    group,
    symbol,
    interval,
    start: toIso(hole.startMs),
    end: toIso(hole.endMs),
    priority,
    origin,
    state,
    attempts,
    enqueued_at: toIso(hole.enqueuedMs),
    due_at: toIso(hole.dueMs),
    last_error: lastError,
  };
}

/** An estimate on the wire, each tier with its queue. */
export function estimateView(
  estimate: BackfillEstimate,
  provider: ProviderId | null,
  queueOf: (tier: Tier) => z.infer<typeof queueSchema>,
): z.infer<typeof estimateSchema> {
  return {
    dry_run: true,
    provider,
    ...costView(estimate),
    tiers: estimate.tiers.map((part) => ({
      tier: part.tier,
      symbols: part.symbols,
      ...costView(part),
      queue: queueOf(part.tier),
    })),
  };
}

function costView({ rows, calls, credits, etaS }: FillCost) {
  return { rows, calls, credits, eta_s: etaS };
}
