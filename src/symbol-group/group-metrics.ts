import type { PollOutcome } from "../contracts/ingest.ts";
import type { MetricTotals } from "../platform/metric-totals.ts";
import type { Ingested } from "./ledger.ts";

/** Counts what a job did and what its answer changed. */
export function countIngest(totals: MetricTotals, outcome: PollOutcome, ingested: Ingested): void {
  for (const provider of outcome.selected)
    totals.add("provider_selected_total", { capability: "bars_1m", provider });
  for (const call of outcome.calls) {
    const { provider, endpoint, code } = call;
    totals.observe("provider_latency_ms", { provider, endpoint }, call.durationMs);
    if (code !== "ok") totals.add("provider_errors_total", { provider, endpoint, code });
  }
  const answered = outcome.answers[0]?.source.provider ?? "none";
  totals.add("jobs_processed_total", { type: "bars", provider: answered });
  for (const answer of outcome.answers) {
    for (const [reason, count] of Object.entries(answer.refused))
      totals.add("rows_refused_total", { reason }, count);
  }
  ingested.digests.forEach((digest, index) => {
    const provider = outcome.answers[index]?.source.provider ?? "none";
    totals.add("stale_answers_total", { provider }, digest.verdicts.stale);
    totals.add("bars_disagreed_total", { provider }, digest.verdicts.disagreed);
    totals.add("bars_revised_total", { provider }, digest.verdicts.updated);
    const opened = digest.drafts
      .flatMap((draft) => draft.gaps)
      .filter((gap) => gap[3] === "open").length;
    totals.add("gaps_found_total", { interval: "1m" }, opened);
  });
}
