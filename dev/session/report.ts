import { MINUTE_MS } from "../../src/domain/time.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import type { BreakerPath } from "./breaker-watch.ts";
import type { StreamResult } from "./clients.ts";
import { histogramQuantile, sumByLabels } from "./exposition.ts";
import type { DailyReconciliation } from "./reconcile-daily.ts";
import type { Reconciliation } from "./reconcile.ts";

/** What a session came to: the last line of `--json`, and whether it counts as passed. */
export interface SessionReport {
  readonly passed: boolean;
  readonly line: object;
  readonly faults: readonly string[];
}

/** The minutes that the polls of one instant ask for. */
const POLLED_MINUTES = 3;

/**
 * How many bars were corrected whose first value may have been in flight when the runtime was killed:
 * such a bar is believed only once.
 */
export function correctedInFlight(
  publication: PublicationSchedule,
  symbols: readonly string[],
  killAtMs: number | null,
): number {
  if (killAtMs === null) return 0;
  const minutes = Array.from(
    { length: POLLED_MINUTES },
    (_, back) => killAtMs - (back + 1) * MINUTE_MS,
  );
  const corrected = (symbol: string) =>
    minutes.filter((ts) => publication.publications(symbol, ts).length > 1).length;
  return symbols.reduce((sum, symbol) => sum + corrected(symbol), 0);
}

/** What a session came to, before it is judged. */
export interface Outcome {
  /** Providers were made sick: a first value that nobody could serve is believed only once. */
  readonly faulty: boolean;
  readonly symbols: number;
  readonly found: Reconciliation;
  readonly daily: DailyReconciliation;
  readonly stream: StreamResult;
  /** Minutes said not to have traded that did; null when no client listened. */
  readonly noTradeFromEmpty: number | null;
  readonly metrics: string;
  readonly breakers: readonly BreakerPath[];
  readonly speed: number;
  readonly wallMs: number;
  readonly inFlight: number;
}

/** Judges a session: the line that is printed, and whether it passed. */
export function report({
  faulty,
  symbols,
  found,
  daily,
  stream,
  noTradeFromEmpty,
  metrics,
  breakers,
  speed,
  wallMs,
  inFlight,
}: Outcome): SessionReport {
  const { beliefs: _, faults: rowFaults, ...rows } = found;
  const { faults: streamFaults, ...counts } = stream;
  const { faults: dailyFaults, ...days } = daily;
  const line = {
    symbols,
    ...rows,
    no_trade_from_empty: noTradeFromEmpty,
    daily: days,
    stream: counts,
    publish_p99_ms: round(histogramQuantile(metrics, "ws_publish_latency_ms", 0.99)),
    write_p95_ms: round(histogramQuantile(metrics, "write_batch_ms", 0.95)),
    speed_reached: round(speed),
    wall_s: round(wallMs / 1_000),
    breakers,
    provider_errors: sumByLabels(metrics, "provider_errors_total", ["provider", "code"]),
  };
  const fewestRevisions = faulty ? 0 : found.revisions_expected - inFlight;
  const revisionsFit =
    found.revisions <= found.revisions_expected && found.revisions >= fewestRevisions;
  const clean =
    found.missing +
      found.duplicate +
      found.wrong +
      found.pending +
      (noTradeFromEmpty ?? 0) +
      daily.missing +
      daily.wrong +
      stream.lost +
      stream.duplicate ===
    0;
  const faults = [...rowFaults, ...dailyFaults, ...streamFaults];
  if (!revisionsFit)
    faults.push(`${found.revisions} revisions, expected ${found.revisions_expected}`);
  return { passed: clean && revisionsFit && streamFaults.length === 0, line, faults };
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
