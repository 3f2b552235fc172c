import type { SloLevel, SloSample } from "../contracts/slo.ts";
import { samplePlaces, type SampleSchedule } from "../domain/sample-plan.ts";
import { dueDate, dueMinutes, SLO_LEVELS, type SloCount } from "../domain/slo.ts";
import { TIERS } from "../domain/tier.ts";
import type { EpochMs } from "../domain/time.ts";
import { errorText } from "../platform/log.ts";
import {
  ALL_PLACES,
  type DueBars,
  type SloReading,
  type TierPlaces,
} from "../postgres/slo-store.ts";

/** Violating symbols that a sample names at most, T0's minutes first. */
const MAX_NAMED = 20;
const NOTHING: SloCount = { symbols: 0, violating: 0 };

/** What a sample is taken with. */
export interface SampleSource {
  readonly schedule: SampleSchedule;
  /** Symbols a tier of which the sample proper consists. */
  readonly sampleSize: number;
  /** Rejects when Postgres can't be read. */
  readonly read: (due: DueBars, places: readonly TierPlaces[]) => Promise<readonly SloReading[]>;
}

/**
 * Looks at every symbol, and at those whose turn it is at this number. Never rejects: what could not be
 * read is an unknown sample.
 */
export async function takeSample(
  source: SampleSource,
  number: number,
  nowMs: EpochMs,
): Promise<SloSample> {
  const head = { v: 1, number, atMs: nowMs } as const;
  try {
    const { calendar, graceMs } = source.schedule;
    const minutes = dueMinutes(calendar, nowMs, graceMs);
    const due: DueBars = { minutes, day: dueDate(calendar, nowMs) };
    const all = await source.read(due, ALL_PLACES);
    const places = turnOf(all, source.sampleSize, number);
    const turn = places.length === 0 ? [] : await source.read(due, places);
    const levels = SLO_LEVELS.map(({ tier, interval }): SloLevel => {
      const exact = findLevel(all, tier, interval);
      return {
        tier,
        interval,
        exact: countOf(exact),
        sampled: countOf(findLevel(turn, tier, interval)),
        completeBeforeMs: exact?.completeBeforeMs ?? null,
      };
    });
    const violating = SLO_LEVELS.flatMap(({ tier, interval }) =>
      (findLevel(all, tier, interval)?.named ?? []).map((one) => ({ tier, interval, ...one })),
    );
    const named = violating.slice(0, MAX_NAMED);
    return { ...head, state: "measured", minutes, day: due.day, levels, violating: named };
  } catch (error) {
    return { ...head, state: "unknown", reason: errorText(error) };
  }
}

/** The places whose turn it is, tier by tier. */
function turnOf(all: readonly SloReading[], size: number, number: number): TierPlaces[] {
  return TIERS.flatMap((tier) => {
    const listed = all.find((reading) => reading.tier === tier)?.listed ?? 0;
    return samplePlaces(listed, size, number).map((range) => ({ tier, ...range }));
  });
}

function findLevel(
  readings: readonly SloReading[],
  tier: SloReading["tier"],
  interval: SloReading["interval"],
): SloReading | undefined {
  return readings.find((reading) => reading.tier === tier && reading.interval === interval);
}

function countOf(reading: SloReading | undefined): SloCount {
  return reading === undefined
    ? NOTHING
    : { symbols: reading.symbols, violating: reading.violating };
}
