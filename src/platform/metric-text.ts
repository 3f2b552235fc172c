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

/** All reports as Prometheus text format 0.0.4. Counters and histograms are summed, gauges merged. */
export function renderMetrics(reports: readonly MetricReport[]): string {
  const names = Object.keys(METRICS).filter((name): name is MetricName => name in METRICS);
  return names
    .map((name) => renderMetric(name, metricDefinition(name), reports))
    .filter((text) => text !== "")
    .join("");
}

function renderMetric(
  name: MetricName,
  definition: MetricDefinition,
  reports: readonly MetricReport[],
): string {
  const merged = merge(name, definition, reports);
  if (merged.size === 0) return "";
  const lines = [`# HELP ${name} ${definition.help}`, `# TYPE ${name} ${definition.type}`];
  for (const [labels, value] of [...merged].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (typeof value === "number") lines.push(`${name}${braces(labels)} ${value}`);
    else if (definition.type === "histogram")
      lines.push(...histogramLines(name, labels, value, definition.buckets));
  }
  return `${lines.join("\n")}\n`;
}

function merge(name: MetricName, definition: MetricDefinition, reports: readonly MetricReport[]) {
  const merged = new Map<string, number | number[]>();
  for (const { totals, fresh } of reports) {
    if (definition.type === "gauge" && !fresh) continue;
    for (const [labels, value] of Object.entries(totals[name] ?? {})) {
      merged.set(labels, combine(definition, merged.get(labels), value));
    }
  }
  return merged;
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
  buckets: readonly number[],
): string[] {
  let cumulative = 0;
  const lines = buckets.map((bound, at) => {
    cumulative += counts[at] ?? 0;
    return `${name}_bucket${braces(join(labels, `le="${bound}"`))} ${cumulative}`;
  });
  cumulative += counts[buckets.length] ?? 0;
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
