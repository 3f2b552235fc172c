import { type BarsFetchJob, parseJob } from "../contracts/jobs.ts";
import {
  type ClaimedJob,
  type JobAnswer,
  MAX_DETAIL_TEXT,
  MAX_RETRY_MS,
} from "../contracts/rlc.ts";
import type { EpochMs } from "../domain/time.ts";

/** What is fetched live at `nowMs`: minutes that have ended, from the oldest that are believed in. */
export interface LiveRange {
  readonly nowMs: EpochMs;
  readonly oldestMs: EpochMs;
}

/** A claimed job that runs, or the answer that it gets instead. */
export type ClaimVerdict =
  | { readonly run: BarsFetchJob; readonly leaseMs: number }
  | { readonly refuse: JobAnswer };

/** Judges one claimed job before anything is done with it: only what is exactly a job runs. */
export function judgeClaim(claimed: ClaimedJob, live: LiveRange): ClaimVerdict {
  const { id, lease_ms: leaseMs } = claimed;
  const refuse = (
    reason: "invalid" | "not_implemented" | "out_of_range" | "too_early",
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
  if (job.type === "backfill") return refuse("not_implemented", "no backfill queue yet");
  if (job.type === "quotes") return refuse("not_implemented", "quotes are swept on their own");
  if (job.interval === "1d")
    return refuse("not_implemented", "daily bars are fetched on their own");
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
