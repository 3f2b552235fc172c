import { log } from "../platform/log.ts";
import type { Ingested } from "./ledger.ts";
import type { StreamLog } from "./stream-log.ts";

/** What was taken in: the duty that asked for it, and the job that brought it where there was one. */
export interface IngestCause {
  readonly duty: string;
  readonly job?: string | undefined;
}

/**
 * One line an ingest: the job that brought it, and the flushes that it became. Those of the polls of bars are
 * always told; quotes, backfills and what changed nothing come too often.
 */
export function logIngest(
  group: string,
  stream: StreamLog,
  { duty, job }: IngestCause,
  { appended }: Pick<Ingested, "appended">,
): void {
  const { fs } = stream.head();
  const isPoll = stream.class === "bars" && !duty.startsWith("backfill:");
  log(isPoll && appended > 0 ? "info" : "debug", "an answer was taken in", {
    group,
    class: stream.class,
    job: job ?? null,
    duty,
    epoch: stream.epoch(),
    fs_from: fs - appended + 1,
    fs_to: fs,
  });
}
