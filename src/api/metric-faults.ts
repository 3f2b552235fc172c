import type { EpochMs } from "../domain/time.ts";
import { errorText } from "../platform/log.ts";
import { GAUGE_TTL_MS, type Heard, reportAges } from "../platform/report-ages.ts";

/** What is asked about the metrics. */
export interface MetricFaultDeps {
  /** When each reporter was heard last, as the hub has it. */
  readonly heard: () => Promise<readonly Heard[]>;
  /** Wall time. */
  readonly now: () => EpochMs;
  /** Stepped market time stands still when nobody steps it, and the reporters with it. */
  readonly stepped: boolean;
}

/**
 * Why the metrics can't be trusted: the hub does not answer, or objects that report each minute are silent. One that
 * never reported is no fault: a new deployment has none.
 */
export async function metricFaults({ heard, now, stepped }: MetricFaultDeps): Promise<string[]> {
  let known: readonly Heard[];
  try {
    known = await heard();
  } catch (error) {
    return [`metrics: the hub does not answer: ${errorText(error)}`];
  }
  if (stepped) return [];
  return [...reportAges(known, now())]
    .filter(([, ageMs]) => ageMs > GAUGE_TTL_MS)
    .map(([kind, ageMs]) => `metrics: no report of a ${kind} for ${Math.round(ageMs / 1_000)} s`);
}
