import type { OfferedHole } from "../contracts/backfill.ts";
import type { BackfillJob, BarsFetchJob, Job, QuotesFetchJob } from "../contracts/jobs.ts";
import type { JobAnswer } from "../contracts/rlc.ts";
import { groupOf } from "../domain/symbol.ts";
import { type Tier, TIERS } from "../domain/tier.ts";
import { SECOND_MS } from "../domain/time.ts";

/** Nobody answered, or a queue was full: not at once again. */
const RETRY_MS = 15 * SECOND_MS;
const QUEUE_FULL_RETRY_MS = 60 * SECOND_MS;

/** What the jobs of a coordinator that are no polls need of the world. */
export interface BesideDeps {
  readonly symbolGroups: number;
  /** The tiers of these symbols; one that was never listed is left out. */
  readonly readTiers: (symbols: readonly string[]) => Promise<ReadonlyMap<string, Tier>>;
  /** Gives holes to the queue of a tier; answers how many, counted from the first, it holds now. */
  readonly offer: (tier: Tier, holes: readonly OfferedHole[]) => Promise<number>;
  /** Whether anybody serves quotes. */
  readonly servesQuotes: boolean;
  /** Fetches the newest quotes and hands them to the groups; answers how many symbols nobody answered. */
  readonly sweepQuotes: (symbols: readonly string[]) => Promise<number>;
}

/**
 * Does a job that no poll is: quotes at once; a backfill, and daily bars, by the queues. Such a job is
 * acknowledged when the queue has all of it, for a queue forgets nothing; done twice it changes nothing.
 */
export async function doBeside(job: Job, deps: BesideDeps): Promise<JobAnswer> {
  const tierOf = await deps.readTiers(job.symbols);
  const symbols = job.symbols.filter((symbol) => tierOf.has(symbol));
  if (symbols.length === 0) return refused(job, "unserved", "none of its symbols is known here");
  if (job.type === "quotes") return await askQuotes(job, symbols, deps);
  const queues = Map.groupBy(symbols, (symbol) =>
    job.type === "backfill" ? job.tier : (tierOf.get(symbol) ?? "T2"),
  );
  let left = 0;
  for (const tier of TIERS) {
    const holes = (queues.get(tier) ?? []).map((symbol) => holeOf(job, symbol, deps));
    if (holes.length > 0) left += holes.length - (await deps.offer(tier, holes));
  }
  return left === 0
    ? { id: job.id, nack: null }
    : refused(job, "queue_full", `${left} of its symbols found no room`, QUEUE_FULL_RETRY_MS);
}

async function askQuotes(
  job: QuotesFetchJob,
  symbols: readonly string[],
  deps: BesideDeps,
): Promise<JobAnswer> {
  if (!deps.servesQuotes) return refused(job, "unserved", "nobody serves quotes here");
  const open = await deps.sweepQuotes(symbols);
  return open === 0
    ? { id: job.id, nack: null }
    : refused(job, "unanswered", `${open} of its symbols were not answered`, RETRY_MS);
}

function holeOf(
  { interval, start_ms: startMs, end_ms: endMs, priority }: BackfillJob | BarsFetchJob,
  symbol: string,
  { symbolGroups }: BesideDeps,
): OfferedHole {
  return { group: groupOf(symbol, symbolGroups), symbol, interval, startMs, endMs, priority };
}

function refused(
  { id }: Job,
  reason: "unserved" | "unanswered" | "queue_full",
  detail: string,
  retryMs: number | null = null,
): JobAnswer {
  return { id, nack: { reason, detail, retry_after_ms: retryMs } };
}
