import { z } from "@hono/zod-openapi";
import type { SloLevel, SloSample } from "../contracts/slo.ts";
import { type SloCount, violationRate } from "../domain/slo.ts";
import { TIERS } from "../domain/tier.ts";
import { toIso } from "../domain/time.ts";
import type { SloStatus } from "../slo/sampler.ts";

const nameShape = { tier: z.enum(TIERS), interval: z.enum(["1m", "1d"]) };

/** `rate` is null over nothing, and when Postgres could not be read: neither is a success. */
const countSchema = z.object({
  symbols: z.number().int().nullable(),
  violating: z.number().int().nullable(),
  rate: z.number().nullable(),
});

const budgetSchema = z.object({
  samples: z.number().int(),
  mean_rate: z.number(),
  /** Share of the samples above the target. */
  over_target: z.number(),
  /** Mean rate over target; 1 is all of the budget. Null when the target allows nothing. */
  spent: z.number().nullable(),
});

const sampleSchema = z.object({
  number: z.number().int(),
  at: z.iso.datetime(),
  state: z.enum(["measured", "unknown"]),
  reason: z.string().nullable(),
  rates: z.array(
    z.object({ ...nameShape, rate: z.number().nullable(), sampled_rate: z.number().nullable() }),
  ),
});

/** The answer of `GET /ops/slo`. */
export const sloViewSchema = z.object({
  at: z.iso.datetime(),
  /** Of the last sample; null before the first one. */
  state: z.enum(["measured", "unknown"]).nullable(),
  reason: z.string().nullable(),
  /** What was due at the last sample; null when that is unknown. */
  due: z
    .object({
      session: z.iso.date(),
      from: z.iso.datetime(),
      to: z.iso.datetime(),
      day: z.iso.date(),
    })
    .nullable(),
  next_sample_at: z.iso.datetime(),
  /** The trading date of the error budgets. */
  date: z.iso.date(),
  levels: z.array(
    z.object({
      ...nameShape,
      target: z.number(),
      exact: countSchema,
      sampled: countSchema,
      error_budget: budgetSchema.nullable(),
    }),
  ),
  violating: z.array(z.object({ ...nameShape, symbol: z.string(), oldest: z.iso.datetime() })),
  samples: z.array(sampleSchema),
});

/** A status as it goes over the wire. */
export function sloView(status: SloStatus): z.infer<typeof sloViewSchema> {
  const [last] = status.samples;
  const measured = last?.state === "measured" ? last : undefined;
  return {
    at: toIso(status.nowMs),
    state: last?.state ?? null,
    reason: last?.state === "unknown" ? last.reason : null,
    due:
      measured === undefined
        ? null
        : {
            session: measured.minutes.date,
            from: toIso(measured.minutes.startMs),
            to: toIso(measured.minutes.endMs),
            day: measured.day,
          },
    next_sample_at: toIso(status.nextMs),
    date: status.date,
    levels: status.budgets.map(({ tier, interval, target, budget }) => {
      const level = measured?.levels.find((one) => one.tier === tier && one.interval === interval);
      return {
        tier,
        interval,
        target,
        exact: countView(level?.exact),
        sampled: countView(level?.sampled),
        error_budget: budget === null ? null : budgetView(budget),
      };
    }),
    violating: (measured?.violating ?? []).map(({ oldestMs, ...named }) => ({
      ...named,
      oldest: toIso(oldestMs),
    })),
    samples: status.samples.map(sampleView),
  };
}

function countView(count: SloCount | undefined): z.infer<typeof countSchema> {
  if (count === undefined) return { symbols: null, violating: null, rate: null };
  return { ...count, rate: violationRate(count) };
}

function budgetView(
  budget: NonNullable<SloStatus["budgets"][number]["budget"]>,
): z.infer<typeof budgetSchema> {
  const { samples, meanRate, overTarget, spent } = budget;
  return { samples, mean_rate: meanRate, over_target: overTarget, spent };
}

function sampleView(sample: SloSample): z.infer<typeof sampleSchema> {
  const head = { number: sample.number, at: toIso(sample.atMs), state: sample.state };
  if (sample.state === "unknown") return { ...head, reason: sample.reason, rates: [] };
  return { ...head, reason: null, rates: sample.levels.map(ratesView) };
}

function ratesView({ tier, interval, exact, sampled }: SloLevel) {
  return {
    tier,
    interval,
    rate: violationRate(exact),
    sampled_rate: violationRate(sampled),
  };
}
