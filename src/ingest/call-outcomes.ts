import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { Outcome } from "../domain/health.ts";
import type { TimeRange } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { BarsAnswer, ProviderCall } from "../providers/provider.ts";
import type { ProviderError } from "../providers/provider-error.ts";

const FAILED: ReadonlySet<ProviderCall["code"]> = new Set([
  "timeout",
  "unavailable",
  "malformed",
  "rate_limited",
]);
/** Facts about the key, the job or our own quota: nothing about the provider's health. */
const SAYS_NOTHING: ReadonlySet<ProviderCall["code"]> = new Set([
  "no_credits",
  "unauthorized",
  "not_entitled",
  "bad_request",
  "not_found",
]);

/** The calls of an answer, and what was asked and answered in the unit of its capability. */
export interface JudgedAnswer {
  readonly calls: readonly ProviderCall[];
  readonly failure: ProviderError | null;
  readonly covered: readonly unknown[];
  /** Symbol-minutes of bars, symbol-dates of daily ones, symbols of quotes. */
  readonly asked: number;
  readonly answered: number;
  /** How much of it brought rows that were not asked for, by symbol: 0 to 1. */
  readonly foreignShare: number;
}

/**
 * The calls of an answer as health sees them, each with its share of what was asked. Rows that were
 * not asked for are refused one by one; that they came makes as large a part of the calls failures, one at
 * least, which answered nothing: else a provider that is wrong all the time would stay at the very score
 * that opens its breaker. The same goes for the good pages before one that made the whole answer
 * worthless, as a cursor that repeats.
 */
export function judgeCalls(answer: JudgedAnswer, atMs: number): Outcome[] {
  const { failure, answered } = answer;
  const judged = answer.calls.filter((call) => !SAYS_NOTHING.has(call.code));
  // What was left out for a reason that is not the provider's was not asked of it; nor was what a
  // single rate limit cut off, which is our own haste.
  const limitedCalls = judged.filter((call) => call.code === "rate_limited").length;
  const isLoneLimit = failure?.kind === "rate_limited" && limitedCalls === 1 && judged.length > 1;
  const excused = isLoneLimit || (failure !== null && SAYS_NOTHING.has(failure.kind));
  const asked = excused ? answered : answer.asked;
  const foreign = Math.ceil(judged.length * answer.foreignShare);
  const isWorthless = failure?.kind === "malformed" && answer.covered.length === 0;
  return judged.map((call, index) => {
    const isForeign = index >= judged.length - foreign;
    return {
      atMs,
      ok: !FAILED.has(call.code) && !isForeign && !isWorthless,
      limited: call.code === "rate_limited",
      transport: call.code === "timeout" || call.code === "unavailable",
      durationMs: call.durationMs,
      asked: asked / judged.length,
      answered: isForeign ? 0 : answered / judged.length,
    };
  });
}

/**
 * The calls of a bars job, judged by the symbol-minutes that it covers. A minute that is `doubted`
 * counts as not answered.
 */
export function outcomesOf(
  answer: BarsAnswer,
  job: GroupFetch,
  doubted: readonly number[],
  atMs: number,
): Outcome[] {
  const minutes = (job.end_ms - job.start_ms) / MINUTE_MS;
  const believed = ({ startMs, endMs }: TimeRange) =>
    (endMs - startMs) / MINUTE_MS - doubted.filter((ts) => ts >= startMs && ts < endMs).length;
  const answered = answer.covered.reduce(
    (sum, part) => sum + part.symbols.length * believed(part),
    0,
  );
  const asked = job.symbols.length * minutes;
  return judgeCalls({ ...answer, asked, answered, foreignShare: foreignShare(answer, job) }, atMs);
}

/** How much of an answer brought rows that were not asked for, by symbol: 0 to 1. */
function foreignShare(answer: BarsAnswer, job: GroupFetch): number {
  const asked = new Set(job.symbols);
  const foreign = answer.rows.filter(
    ({ symbol, ts }) => !asked.has(symbol) || ts < job.start_ms || ts >= job.end_ms,
  );
  return Math.min(1, new Set(foreign.map(({ symbol }) => symbol)).size / job.symbols.length);
}
