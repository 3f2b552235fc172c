import type { AuditSummary } from "../contracts/audit.ts";
import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { PollOutcome } from "../contracts/ingest.ts";
import { type Channel, CHANNELS } from "../contracts/stream.ts";
import type { Task, TaskOutcome } from "../contracts/tasks.ts";
import { AUDIT_KINDS } from "../domain/audit.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import { PROVIDER_ERROR_KINDS } from "../providers/provider-error.ts";
import type { DailyDigest } from "./daily-digest.ts";
import type { Digest } from "./digest.ts";
import type { Ingested } from "./ledger.ts";
import type { QuotesIngested } from "./quote-book.ts";
import { taskTypeOf } from "./service-duties.ts";

/** What the tasks of the whole service ask the providers for; one that is not named asks none. */
const TASK_CAPABILITIES: Readonly<Partial<Record<Task["type"], string>>> = {
  universe: "universe",
  daily_bars: "bars_1d",
  quotes: "quotes_l1",
  calendar_check: "calendar",
  splits: "splits",
  options: "options",
};

/** Counts whom a job asked and how the calls went. */
function countCalls(
  totals: MetricTotals,
  capability: string,
  { selected, calls }: Pick<PollOutcome, "selected" | "calls">,
): void {
  for (const provider of selected) totals.add("provider_selected_total", { capability, provider });
  for (const call of calls) {
    const { provider, endpoint, code } = call;
    totals.observe("provider_latency_ms", { provider, endpoint }, call.durationMs);
    for (const kind of PROVIDER_ERROR_KINDS)
      totals.touch("provider_errors_total", { provider, endpoint, code: kind });
    if (code !== "ok") totals.add("provider_errors_total", { provider, endpoint, code });
  }
}

/** Counts what a task of the whole service did; `duty` is its name. */
export function countTask(totals: MetricTotals, duty: string, outcome: TaskOutcome): void {
  const type = taskTypeOf(duty);
  const capability = type === null ? undefined : TASK_CAPABILITIES[type];
  if (type === null || capability === undefined) return;
  // A sweep for quotes that came too late asked nobody.
  if (outcome.done && outcome.selected.length === 0) return;
  countCalls(totals, capability, outcome);
  const failed = new Set(outcome.failures.map(({ provider }) => provider));
  const answered = outcome.selected.find((provider) => !failed.has(provider));
  totals.add("jobs_processed_total", { type, provider: answered ?? "none" });
  for (const [reason, count] of Object.entries(outcome.refused ?? {}))
    totals.add("rows_refused_total", { reason }, count);
}

/** Counts what an audit found. */
export function countAudit(totals: MetricTotals, { differences }: AuditSummary): void {
  for (const kind of AUDIT_KINDS)
    totals.add("audit_differences_total", { kind }, differences[kind]);
}

/** Counts what the retention dropped. */
export function countDropped(
  totals: MetricTotals,
  dropped: NonNullable<TaskOutcome["dropped"]>,
): void {
  totals.add("partitions_dropped_total", { class: "bars" }, dropped.bars);
  totals.add("partitions_dropped_total", { class: "quotes" }, dropped.quotes);
}

/** Counts what became of a sweep's quotes. */
export function countQuotes(totals: MetricTotals, { dropped }: QuotesIngested): void {
  totals.add("undrained_dropped_total", { class: "quotes" }, dropped);
}

/** Counts what the daily bars of answers changed in a group. */
export function countDaily(
  totals: MetricTotals,
  answers: readonly DailyAnswer[],
  digests: readonly DailyDigest[],
): void {
  digests.forEach(({ verdicts }, index) => {
    const provider = answers[index]?.source.provider ?? "none";
    totals.add("stale_answers_total", { provider }, verdicts.stale);
    totals.add("bars_disagreed_total", { provider }, verdicts.disagreed);
    totals.add("bars_revised_total", { provider }, verdicts.updated);
  });
}

/** A job that ended: its duty, what it brought, what that changed, and when, market time. */
interface EndedJob {
  readonly duty: string;
  readonly outcome: PollOutcome;
  readonly ingested: Ingested;
  readonly nowMs: EpochMs;
}

/** Counts what a job did and what its answer changed. */
export function countIngest(
  totals: MetricTotals,
  { duty, outcome, ingested, nowMs }: EndedJob,
): void {
  const type = duty.startsWith("backfill:") ? "backfill" : "bars";
  countCalls(totals, "bars_1m", outcome);
  const answered = outcome.answers[0]?.source.provider ?? "none";
  totals.add("jobs_processed_total", { type, provider: answered });
  for (const answer of outcome.answers) {
    for (const [reason, count] of Object.entries(answer.refused))
      totals.add("rows_refused_total", { reason }, count);
    if (answer.doubted.length + answer.agreed.length > 0)
      totals.add("implausible_answers_total", { provider: answer.source.provider });
  }
  ingested.digests.forEach((digest, index) => {
    const provider = outcome.answers[index]?.source.provider ?? "none";
    totals.add("stale_answers_total", { provider }, digest.verdicts.stale);
    totals.add("bars_disagreed_total", { provider }, digest.verdicts.disagreed);
    totals.add("bars_revised_total", { provider }, digest.verdicts.updated);
    countTimes(totals, provider, digest, nowMs);
    const opened = digest.drafts
      .flatMap((draft) => draft.gaps)
      .filter((gap) => gap[3] === "open").length;
    totals.add("gaps_found_total", { interval: "1m" }, opened);
  });
}

/** How long after their END bars came, and minutes were settled. What was repaired later says nothing of it. */
function countTimes(
  totals: MetricTotals,
  provider: string,
  { minutes, settled }: Digest,
  nowMs: EpochMs,
): void {
  const observe = (stage: string, ts: EpochMs, times: number) => {
    const seconds = (nowMs - ts - MINUTE_MS) / SECOND_MS;
    if (times > 0) totals.observe("bar_settle_seconds", { provider, stage }, seconds, times);
  };
  for (const { ts, rows } of minutes)
    observe("first", ts, rows.filter((row) => row[12] === "first").length);
  for (const ts of settled) observe("settled", ts, 1);
}

/** What a group's gauges are read from. */
export interface GaugeInput {
  readonly group: string;
  readonly backlog: { readonly flushes: number; readonly oldestAsOf: EpochMs | null };
  readonly connections: number;
  readonly channels: ReadonlyMap<Channel, number>;
  /** The lowest that were acted by lately; null: nobody acted. */
  readonly configVersions: Readonly<Record<"group" | "runner", number | null>>;
}

/** Sets the group's gauges as they stand. */
export function setGauges(totals: MetricTotals, input: GaugeInput): void {
  totals.set("ws_clients_gauge", { group: input.group }, input.connections);
  for (const channel of CHANNELS)
    totals.set("ws_subscriptions", { channel }, input.channels.get(channel) ?? 0);
  for (const [component, version] of Object.entries(input.configVersions))
    totals.set("config_version", { component }, version);
  totals.set("undrained_flushes", {}, input.backlog.flushes);
  totals.setSince("undrained_oldest_seconds", {}, input.backlog.oldestAsOf);
}
