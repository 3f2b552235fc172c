import { MAX_JOB_SYMBOLS } from "../../src/contracts/job-fields.ts";
import type { BarsFetchJob } from "../../src/contracts/jobs.ts";
import type { Calendar } from "../../src/domain/calendar.ts";
import { planPoll } from "../../src/domain/poll-plan.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import { floorToMinute, MINUTE_MS } from "../../src/domain/time.ts";
import type { QueuedJob } from "./job-queue.ts";

/** Minutes that nobody claimed for are made up for so far back; the service repairs what is older. */
const MAX_BEHIND_MINUTES = 5;

/**
 * A coordinator that hands out what the service's own sweeper would ask for: at each minute of a
 * session the bars of all symbols over the same windows, in jobs of at most a thousand.
 */
export function minuteJobs(
  calendar: Calendar,
  symbols: readonly string[],
): (nowMs: EpochMs) => readonly QueuedJob[] {
  let lastTickMs: EpochMs | null = null;
  return (nowMs) => {
    const tickMs = floorToMinute(nowMs);
    const oldestMs = tickMs - MAX_BEHIND_MINUTES * MINUTE_MS;
    const jobs: QueuedJob[] = [];
    const fromMs = Math.max(oldestMs, (lastTickMs ?? tickMs - MINUTE_MS) + MINUTE_MS);
    for (let ms = fromMs; ms <= tickMs; ms += MINUTE_MS)
      jobs.push(...jobsAt(ms, calendar, symbols));
    lastTickMs = tickMs;
    return jobs;
  };
}

function jobsAt(tickMs: EpochMs, calendar: Calendar, symbols: readonly string[]): QueuedJob[] {
  const poll = planPoll({
    calendar,
    sessions: ["regular"],
    nowMs: tickMs,
    pollOffsetMs: 0,
    planDelayMs: 0,
    polled: true,
    overlapMinutes: { short: 3, long: 21 },
  });
  if (poll === null) return [];
  const jobs: QueuedJob[] = [];
  for (let first = 0; first < symbols.length; first += MAX_JOB_SYMBOLS) {
    const job: BarsFetchJob = {
      v: 1,
      type: "bars",
      id: `minute:${tickMs}:${first}`,
      symbols: symbols.slice(first, first + MAX_JOB_SYMBOLS),
      interval: "1m",
      start_ms: poll.startMs,
      end_ms: poll.endMs,
      priority: 0,
    };
    jobs.push({ id: job.id, priority: job.priority, job });
  }
  return jobs;
}
