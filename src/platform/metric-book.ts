import type { MetricBatch } from "./metric-batch.ts";
import { metricDefinition, type MetricName, METRICS } from "./metric-definitions.ts";
import type { MetricTotalsJson } from "./metric-totals.ts";

/** What the hub knows of a reporter. */
export interface KnownReporter {
  readonly seq: number;
  /** As reported last. */
  readonly totals: MetricTotalsJson;
  /** What counters lost when the reporter was set back to an earlier state: added, so that none goes back. */
  readonly carried: MetricTotalsJson;
}

/** By how much a counter or a histogram grew: `count` of events, and for a histogram their sum. */
export interface MetricChange {
  readonly name: MetricName;
  /** Values by the order of the definition, as a label key. */
  readonly labels: string;
  readonly count: number;
  readonly sum: number;
}

/** A batch as applied: what to keep, and what it brought. */
interface Applied {
  readonly known: KnownReporter;
  readonly changes: readonly MetricChange[];
}

/** Takes a batch in; null when it, or a later one, was taken already: each is applied once. */
export function applyBatch(before: KnownReporter | null, batch: MetricBatch): Applied | null {
  if (before !== null && batch.seq <= before.seq) return null;
  const carried: Record<string, Record<string, number | number[]>> = {};
  const changes: MetricChange[] = [];
  for (const name of countingNames()) {
    const [was, is] = [before?.totals[name] ?? {}, batch.totals[name] ?? {}];
    const kept = before?.carried[name] ?? {};
    for (const labels of new Set([...Object.keys(was), ...Object.keys(is), ...Object.keys(kept)])) {
      const [old, now] = [cellsOf(was[labels]), cellsOf(is[labels])];
      const lost = old.map((value, at) => Math.max(0, value - (now[at] ?? 0)));
      const sum = addCells(lost, cellsOf(kept[labels]));
      if (sum.some((value) => value > 0))
        (carried[name] ??= {})[labels] = isHistogram(name) ? sum : (sum[0] ?? 0);
      const grown = now.map((value, at) => Math.max(0, value - (old[at] ?? 0)));
      const change = changeOf(name, labels, grown);
      if (change.count > 0) changes.push(change);
    }
  }
  return { known: { seq: batch.seq, totals: batch.totals, carried }, changes };
}

function countingNames(): MetricName[] {
  return Object.keys(METRICS)
    .filter((name): name is MetricName => name in METRICS)
    .filter((name) => metricDefinition(name).type !== "gauge");
}

function isHistogram(name: MetricName): boolean {
  return metricDefinition(name).type === "histogram";
}

function changeOf(name: MetricName, labels: string, grown: readonly number[]): MetricChange {
  if (!isHistogram(name)) return { name, labels, count: grown[0] ?? 0, sum: 0 };
  const count = grown.slice(0, -1).reduce((sum, value) => sum + value, 0);
  return { name, labels, count, sum: grown.at(-1) ?? 0 };
}

function cellsOf(value: number | readonly number[] | undefined): readonly number[] {
  return value === undefined ? [] : typeof value === "number" ? [value] : value;
}

function addCells(a: readonly number[], b: readonly number[]): number[] {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, at) => (a[at] ?? 0) + (b[at] ?? 0));
}
