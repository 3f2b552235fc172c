import { type AskedRange, askedRangeFault } from "../backfill/asked-range.ts";
import type { WindowRules } from "../backfill/run-window.ts";
import { type BarsFetchJob, type Job, parseJob } from "../contracts/jobs.ts";
import {
  type ClaimedJob,
  type JobAnswer,
  MAX_DETAIL_TEXT,
  MAX_RETRY_MS,
} from "../contracts/rlc.ts";
import { type EpochMs, MINUTE_MS } from "../domain/time.ts";

/** What is fetched live at `nowMs`: minutes that have ended, from the oldest that are believed in. */
export interface LiveRange {
  readonly nowMs: EpochMs;
  readonly oldestMs: EpochMs;
}

/** What a queue may be asked to fill at `nowMs`. */
export interface QueueRange {
  readonly rules: WindowRules;
  readonly depthDays: number;
}

/**
 * A claimed job that a poll runs, one that goes beside the polls (a sweep for quotes, or holes of a
 * queue), or the answer that it gets instead.
 */
export type ClaimVerdict =
  | { readonly run: BarsFetchJob; readonly leaseMs: number }
  | { readonly beside: Job }
  | { readonly refuse: JobAnswer };

/** A session that is not over is asked about again so soon. */
const EARLY_RETRY_MS = 15 * MINUTE_MS;

/** Judges one claimed job before anything is done with it: only what is exactly a job runs. */
export function judgeClaim(claimed: ClaimedJob, live: LiveRange, queue: QueueRange): ClaimVerdict {
  const { id, lease_ms: leaseMs } = claimed;
  const refuse = (
    reason: "invalid" | "out_of_range" | "too_early",
    detail: string,
    retryMs: number | null = null,
  ): ClaimVerdict => ({
    refuse: {
      id,
      nack: { reason, detail: detail.slice(0, MAX_DETAIL_TEXT), retry_after_ms: retryMs },
    },
  });
  const parsed = parseJob(claimed.job);
  if (!parsed.ok) return refuse("invalid", parsed.faults.join("; "));
  const { job } = parsed;
  if (job.id !== id) return refuse("invalid", "id: the lease is of another job");
  if (job.type === "quotes") return { beside: job };
  if (job.type === "backfill" || job.interval === "1d") {
    const asked: AskedRange = {
      interval: job.interval,
      startMs: job.start_ms,
      endMs: job.end_ms,
    };
    const fault = askedRangeFault(asked, queue.rules, { ...queue, nowMs: live.nowMs });
    if (fault === null) return { beside: job };
    const detail = `${fault.field}: ${fault.message}`;
    return fault.isEarly === true
      ? refuse("too_early", detail, EARLY_RETRY_MS)
      : refuse("out_of_range", detail);
  }
  if (job.start_ms < live.oldestMs)
    return refuse("out_of_range", "older than five sessions: a backfill");
  if (job.end_ms > live.nowMs)
    return refuse(
      "too_early",
      "its minutes have not ended",
      Math.min(job.end_ms - live.nowMs, MAX_RETRY_MS),
    );
  return { run: job, leaseMs };
}
