import type { EpochMs } from "../domain/time.ts";
import { SECOND_MS } from "../domain/time.ts";
import {
  metricDefinition,
  type MetricDefinition,
  type MetricName,
  METRICS,
} from "./metric-definitions.ts";
import type { MetricTotalsJson } from "./metric-totals.ts";

/** What one reporter said last; gauges of an expired one no longer count. */
export interface MetricReport {
  readonly totals: MetricTotalsJson;
  readonly fresh: boolean;
}

/** Prometheus text format 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = "text" | "openmetrics";

/** What a counter's samples end with; OpenMetrics calls the family without it. */
const COUNTER_SUFFIX = /_total$/;

/**
 * All reports as an exposition at market time `nowMs`. Counters and histograms are summed, gauges merged,
 * ages counted from then.
 */
export function renderMetrics(
  reports: readonly MetricReport[],
  nowMs: EpochMs,
  format: ExpositionFormat = "text",
): string {
  const names = Object.keys(METRICS).filter((name): name is MetricName => name in METRICS);
  const end = format === "openmetrics" ? "# EOF\n" : "";
  return names.map((name) => renderMetric(name, reports, nowMs, format)).join("") + end;
}

function renderMetric(
  name: MetricName,
  reports: readonly MetricReport[],
  nowMs: EpochMs,
  format: ExpositionFormat,
): string {
  const definition = metricDefinition(name);
  const merged = merge(name, definition, reports, nowMs);
  if (merged.size === 0) return "";
  const isOpen = format === "openmetrics";
  const family = isOpen && definition.type === "counter" ? name.replace(COUNTER_SUFFIX, "") : name;
  const help = isOpen ? definition.help.replaceAll('"', '\\"') : definition.help;
  const lines = [`# HELP ${family} ${help}`, `# TYPE ${family} ${definition.type}`];
  for (const [labels, value] of [...merged].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (typeof value === "number") lines.push(`${name}${braces(labels)} ${value}`);
    else if (definition.type === "histogram") {
      const bounds = definition.buckets.map((bound) => (isOpen ? asFloat(bound) : String(bound)));
      lines.push(...histogramLines(name, labels, value, bounds));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** OpenMetrics wants bounds as floats: 5 is "5.0". */
function asFloat(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function merge(
  name: MetricName,
  definition: MetricDefinition,
  reports: readonly MetricReport[],
  nowMs: EpochMs,
) {
  const merged = new Map<string, number | number[]>();
  for (const { totals, fresh } of reports) {
    if (definition.type === "gauge" && !fresh) continue;
    for (const [labels, reported] of Object.entries(totals[name] ?? {})) {
      const value = valueOf(definition, reported, nowMs);
      merged.set(labels, combine(definition, merged.get(labels), value));
    }
  }
  return merged;
}

/** Ages are kept as the time since when they count. */
function valueOf(definition: MetricDefinition, reported: number | number[], nowMs: EpochMs) {
  if (definition.type !== "gauge" || definition.since !== true) return reported;
  if (typeof reported !== "number" || reported === 0) return 0;
  return Math.max(0, nowMs - reported) / SECOND_MS;
}

function combine(
  definition: MetricDefinition,
  before: number | number[] | undefined,
  value: number | number[],
) {
  if (before === undefined) return Array.isArray(value) ? [...value] : value;
  if (Array.isArray(before) && Array.isArray(value))
    return before.map((count, at) => count + (value[at] ?? 0));
  if (typeof before !== "number" || typeof value !== "number") return before;
  const rule = definition.type === "gauge" ? definition.merge : "sum";
  return rule === "sum"
    ? before + value
    : rule === "max"
      ? Math.max(before, value)
      : Math.min(before, value);
}

function histogramLines(
  name: string,
  labels: string,
  counts: readonly number[],
  bounds: readonly string[],
): string[] {
  let cumulative = 0;
  const lines = bounds.map((bound, at) => {
    cumulative += counts[at] ?? 0;
    return `${name}_bucket${braces(join(labels, `le="${bound}"`))} ${cumulative}`;
  });
  cumulative += counts[bounds.length] ?? 0;
  return [
    ...lines,
    `${name}_bucket${braces(join(labels, 'le="+Inf"'))} ${cumulative}`,
    `${name}_sum${braces(labels)} ${counts.at(-1) ?? 0}`,
    `${name}_count${braces(labels)} ${cumulative}`,
  ];
}

function join(labels: string, label: string): string {
  return labels === "" ? label : `${labels},${label}`;
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
