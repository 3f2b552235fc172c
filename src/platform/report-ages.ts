import type { EpochMs } from "../domain/time.ts";

/** Gauges of a reporter that has been silent for this long no longer count: it may be dead. */
export const GAUGE_TTL_MS = 180_000;

/** Kinds of reporters that report each minute as long as they live, and the names that they have. */
const REPORTERS = [
  { kind: "group", names: /^g\d+$/ },
  { kind: "backfill", names: /^backfill-/ },
  { kind: "slo", names: /^slo$/ },
] as const;
/** A host-only instance reports only while it has connections: its silence says nothing. */
export type ReporterKind = (typeof REPORTERS)[number]["kind"];

/** When a reporter was heard last, wall time. */
export interface Heard {
  readonly source: string;
  readonly at: EpochMs;
}

/** Since the last report of the most silent reporter of each kind, wall ms; kinds never heard of are left out. */
export function reportAges(heard: readonly Heard[], nowMs: EpochMs): Map<ReporterKind, number> {
  const ages = new Map<ReporterKind, number>();
  for (const { source, at } of heard) {
    const kind = REPORTERS.find(({ names }) => names.test(source))?.kind;
    if (kind !== undefined) ages.set(kind, Math.max(ages.get(kind) ?? 0, nowMs - at));
  }
  return ages;
}
