import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import { metricDefinition, type MetricName, METRICS } from "./metric-definitions.ts";

/** Label values by label name; the names that a metric has stand in its definition. */
export type Labels = Readonly<Record<string, string>>;

/** Totals of one reporter, by metric and label values; histograms: a count a bucket, `+Inf`, then the sum. */
export const metricTotalsSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.number(), z.array(z.number())])),
);
export type MetricTotalsJson = z.infer<typeof metricTotalsSchema>;

/** A label set as a key: the values in the order of the definition, so that equal sets are equal. */
export function labelKey(name: MetricName, labels: Labels): string {
  return metricDefinition(name)
    .labels.map((label) => `${label}="${escapeLabel(labels[label] ?? "")}"`)
    .join(",");
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/**
 * The running totals of one object. Counters and histograms only grow and are kept with the object's
 * own data, so a report can be lost or repeated without harm: the next one carries the total.
 */
export class MetricTotals {
  #totals: MetricTotalsJson;

  constructor(stored: unknown = {}) {
    const parsed = metricTotalsSchema.safeParse(stored);
    this.#totals = parsed.success ? parsed.data : {};
  }

  /** Adds to a counter. */
  add(name: MetricName, labels: Labels, by = 1): void {
    if (by === 0) return;
    const series = this.#series(name);
    const key = labelKey(name, labels);
    const before = series[key];
    series[key] = (typeof before === "number" ? before : 0) + by;
  }

  /**
   * Shows a counter that has counted nothing yet as 0: of a series that begins with what it counted first, nobody
   * sees that it grew.
   */
  touch(name: MetricName, labels: Labels): void {
    this.#series(name)[labelKey(name, labels)] ??= 0;
  }

  /** Sets a gauge; null, or what is no finite number, takes it away: absent rather than wrong. */
  set(name: MetricName, labels: Labels, value: number | null): void {
    const series = this.#series(name);
    const key = labelKey(name, labels);
    if (value === null || !Number.isFinite(value)) delete series[key];
    else series[key] = value;
  }

  /** Sets an age by the market time since which it counts; null: nothing waits, the age is 0. */
  setSince(name: MetricName, labels: Labels, sinceMs: EpochMs | null): void {
    const definition = metricDefinition(name);
    if (definition.type !== "gauge" || definition.since !== true)
      throw new TypeError(`${name} is not an age`);
    this.set(name, labels, sinceMs ?? 0);
  }

  /** Counts a value into a histogram, `times` over. */
  observe(name: MetricName, labels: Labels, value: number, times = 1): void {
    const definition = metricDefinition(name);
    if (definition.type !== "histogram") throw new TypeError(`${name} is not a histogram`);
    const series = this.#series(name);
    const key = labelKey(name, labels);
    const known = series[key];
    const counts = Array.isArray(known)
      ? known
      : new Array<number>(definition.buckets.length + 2).fill(0);
    const bucket = definition.buckets.findIndex((bound) => value <= bound);
    const at = bucket === -1 ? definition.buckets.length : bucket;
    counts[at] = (counts[at] ?? 0) + times;
    counts[counts.length - 1] = (counts.at(-1) ?? 0) + value * times;
    series[key] = counts;
  }

  toJSON(): MetricTotalsJson {
    return this.#totals;
  }

  #series(name: MetricName): Record<string, number | number[]> {
    if (!(name in METRICS)) throw new TypeError(`unknown metric ${name}`);
    return (this.#totals[name] ??= {});
  }
}
