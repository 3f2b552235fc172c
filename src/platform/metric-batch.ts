import { z } from "zod";
import type { EpochMs } from "../domain/time.ts";
import { wallClock } from "./clocks.ts";
import { MetricTotals, metricTotalsSchema } from "./metric-totals.ts";

/** What a reporter tells the hub: all its totals, under a number that only grows. */
export const metricBatchSchema = z.object({
  seq: z.number().int().nonnegative(),
  totals: metricTotalsSchema,
});
export type MetricBatch = z.infer<typeof metricBatchSchema>;

/** How a reporter's batches leave it; a lost one costs nothing, the next carries the totals. */
export type SendBatch = (batch: MetricBatch) => Promise<void>;

/** Where an object keeps its totals. */
export interface TotalsStore {
  readonly get: () => string | null;
  readonly set: (text: string) => void;
}

/** Numbers batches by the clock, so that they go on growing over resets without being kept. */
export class BatchNumbers {
  #last = 0;

  next(nowMs: EpochMs = wallClock.now()): number {
    this.#last = Math.max(this.#last + 1, nowMs);
    return this.#last;
  }
}

/** The totals of one object: kept with its own data, and reported as they are kept. */
export class MetricsReporter {
  readonly totals: MetricTotals;
  #store: TotalsStore;
  #send: SendBatch;
  #numbers = new BatchNumbers();

  constructor(store: TotalsStore, send: SendBatch) {
    this.#store = store;
    this.#send = send;
    this.totals = new MetricTotals(JSON.parse(store.get() ?? "{}"));
  }

  /** What was counted survives a reset from here on: called at the end of whatever counts. */
  keep(): void {
    this.#store.set(JSON.stringify(this.totals));
  }

  /** Keeps the totals, then reports them. */
  async report(): Promise<void> {
    this.keep();
    await this.#send({ seq: this.#numbers.next(), totals: this.totals.toJSON() });
  }
}
