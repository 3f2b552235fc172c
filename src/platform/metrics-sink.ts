import type { AnalyticsEngineDataset } from "@cloudflare/workers-types";
import type { MetricChange } from "./metric-book.ts";
import { errorText, log } from "./log.ts";

/** Where counted events go beside the scrape: for questions that look back further than Prometheus keeps. */
export interface MetricsSink {
  readonly write: (source: string, changes: readonly MetricChange[]) => void;
}

/** An invocation may write 250 points; a report is one invocation of the hub. */
const MAX_POINTS = 250;
/** Label values that a point has room for: a metric has three at most. */
const LABEL_VALUE = /"((?:[^"\\]|\\.)*)"/g;

/**
 * The sink of Workers Analytics Engine, one data set for all metrics: index and first blob the metric, second
 * the reporter, then the label values in the order of the definition; doubles: count, and sum of a histogram.
 * Writing is not awaited and may be sampled; what an invocation has no room for is counted and left out.
 */
export function analyticsSink(dataset: AnalyticsEngineDataset): MetricsSink {
  return {
    write: (source, changes) => {
      try {
        for (const { name, labels, count, sum } of changes.slice(0, MAX_POINTS)) {
          const values = [...labels.matchAll(LABEL_VALUE)].map(([, value]) => value ?? "");
          dataset.writeDataPoint({
            indexes: [name],
            blobs: [name, source, ...values],
            doubles: [count, sum],
          });
        }
      } catch (error) {
        log("warn", "events could not be written to the data set", { error: errorText(error) });
      }
      const left = changes.length - MAX_POINTS;
      if (left > 0) log("warn", "more events than an invocation may write", { source, left });
    },
  };
}
