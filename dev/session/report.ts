import { MINUTE_MS, toIso } from "../../src/domain/time.ts";
import type { PublicationSchedule } from "../market/publication.ts";
import type { BreakerPath } from "./breaker-watch.ts";
import type { StreamResult } from "./clients.ts";
import { type Drain, drainFaults } from "./drain.ts";
import { counterTotal, histogramQuantile, sumByLabels } from "./exposition.ts";
import type { FalseAbsence } from "./false-absences.ts";
import { type GapCounts, unseenGaps } from "./gap-events.ts";
import type { DailyReconciliation } from "./reconcile-daily.ts";
import type { Reconciliation } from "./reconcile.ts";
import type { Counts } from "./tally.ts";

/** What a run came to: the last line of `--json`, and whether it counts as passed. */
export interface SessionReport {
  readonly passed: boolean;
  readonly line: object;
  readonly faults: readonly string[];
}

/** Dates are told one by one while the line stays readable. */
const MAX_DATES_TOLD = 20;
const MAX_ABSENCES_TOLD = 20;

/** The minutes that the polls of one instant ask for. */
const POLLED_MINUTES = 3;

/**
 * How many bars were corrected whose first value may have been in flight when the runtime was killed:
 * such a bar is believed only once. Of all kills together.
 */
export function correctedInFlight(
  publication: PublicationSchedule,
  symbols: readonly string[],
  killsAtMs: readonly number[],
): number {
  const minutes = new Set(
    killsAtMs.flatMap((killAtMs) =>
      Array.from({ length: POLLED_MINUTES }, (_, back) => killAtMs - (back + 1) * MINUTE_MS),
    ),
  );
  const corrected = (symbol: string) =>
    [...minutes].filter((ts) => publication.publications(symbol, ts).length > 1).length;
  return symbols.reduce((sum, symbol) => sum + corrected(symbol), 0);
}

/** What a run came to, before it is judged. */
export interface Outcome {
  /** Providers were made sick: a first value that nobody could serve is believed only once. */
  readonly faulty: boolean;
  readonly symbols: number;
  readonly found: Reconciliation;
  readonly daily: DailyReconciliation;
  readonly stream: StreamResult;
  /** Minutes said not to have traded that did; null when no client listened. */
  readonly noTradeFromEmpty: readonly FalseAbsence[] | null;
  readonly gaps: GapFacts;
  /** How an outage of all providers was worked off; null when there was none. */
  readonly drain: Drain | null;
  /** Calls of the providers for minutes of a session whose settle pass was over. */
  readonly askedAfterSettle: number;
  readonly metrics: string;
  readonly breakers: readonly BreakerPath[];
  readonly speed: number;
  readonly wallMs: number;
  readonly inFlight: number;
}

/** Gap events of a run: those that are stored, and those that the stream carried. */
export interface GapFacts {
  readonly stored: GapCounts;
  readonly outsideSessions: number;
  /** Seen by the client that takes everything; null without one. */
  readonly onStream: GapCounts | null;
}

/** Judges a run: the line that is printed, and whether it passed. */
export function report(outcome: Outcome): SessionReport {
  const { found, daily, stream, gaps, drain } = outcome;
  const falselyAbsent = outcome.noTradeFromEmpty ?? [];
  const { counts } = found;
  const unseen = gaps.onStream === null ? [] : unseenGaps(gaps.stored, gaps.onStream);
  const judged = [
    ...stream.faults,
    ...falselyAbsent.slice(0, MAX_ABSENCES_TOLD).map(absenceFault),
    ...revisionFaults(outcome),
    ...unseen.map((text) => `gap events on the stream: ${text} stored`),
    ...(drain === null ? [] : drainFaults(drain)),
  ];
  const wrongs =
    counts.missing +
    counts.duplicate +
    counts.wrong +
    counts.pending +
    sumOf(falselyAbsent) +
    daily.missing +
    daily.wrong +
    stream.lost +
    stream.duplicate +
    gaps.outsideSessions +
    outcome.askedAfterSettle;
  return {
    passed: wrongs === 0 && judged.length === 0,
    line: lineOf(outcome),
    faults: [...found.faults, ...daily.faults, ...judged],
  };
}

function sumOf(absences: readonly FalseAbsence[]): number {
  return absences.reduce((sum, { symbols }) => sum + symbols, 0);
}

function absenceFault({ stream, ts, symbols }: FalseAbsence): string {
  return `${stream} said at ${toIso(ts)} that ${symbols} more had not traded than had not`;
}

function lineOf(outcome: Outcome): object {
  const { found, gaps, drain, metrics } = outcome;
  const { faults: _streamFaults, ...stream } = outcome.stream;
  const { faults: _dailyFaults, ...daily } = outcome.daily;
  const dates = found.byDate.length;
  return {
    symbols: outcome.symbols,
    sessions: dates,
    ...found.counts,
    in_postgres: found.inPostgres,
    quotes_in_postgres: found.quotesInPostgres,
    revisions: found.revisions,
    ...(dates > 1 && dates <= MAX_DATES_TOLD
      ? { by_date: Object.fromEntries(found.byDate.map(([date, counts]) => [date, told(counts)])) }
      : {}),
    no_trade_from_empty: outcome.noTradeFromEmpty && sumOf(outcome.noTradeFromEmpty),
    gaps: gaps.stored,
    gaps_on_stream: gaps.onStream,
    gaps_outside_sessions: gaps.outsideSessions,
    backfill_jobs: counterTotal(metrics, "backfill_jobs_enqueued_total"),
    asked_after_settle: outcome.askedAfterSettle,
    drain,
    daily,
    stream,
    publish_p99_ms: round(histogramQuantile(metrics, "ws_publish_latency_ms", 0.99)),
    write_p95_ms: round(histogramQuantile(metrics, "write_batch_ms", 0.95)),
    speed_reached: round(outcome.speed),
    wall_s: round(outcome.wallMs / 1_000),
    breakers: outcome.breakers,
    provider_errors: sumByLabels(metrics, "provider_errors_total", ["provider", "code"]),
  };
}

/** Of a date that is one of several: what tells it from the others, on one line. */
function told({ expected_minutes, stored, no_trade, missing, pending, wrong }: Counts): object {
  return { expected_minutes, stored: Object.values(stored), no_trade, missing, pending, wrong };
}

function revisionFaults({ found, faulty, inFlight }: Outcome): string[] {
  const { revisions_expected: most } = found.counts;
  const fewest = faulty ? 0 : most - inFlight;
  const fit = found.revisions <= most && found.revisions >= fewest;
  return fit ? [] : [`${found.revisions} revisions, expected ${most}`];
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
