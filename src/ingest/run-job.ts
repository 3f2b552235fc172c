import type { BarsFetchJob } from "../contracts/jobs.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";
import type { Calendar, SessionKind } from "../domain/calendar.ts";
import type { Bar } from "../domain/bar.ts";
import type { Outcome } from "../domain/health.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import type { BarsAnswer, HttpGet, Provider, ProviderCall } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { validateBars } from "../providers/validate.ts";
import type { BreakerPort } from "../routing/admission.ts";
import { type Candidate, choose } from "../routing/choose.ts";

/**
 * Credits are taken one, two, four, then eight at a time: a job of one call takes one, a job of many
 * does not ask for each.
 */
const MAX_CREDITS_AT_A_TIME = 8;

/** What a job needs of the world. `timeoutMs` bounds one call, in time of the wall. */
export interface RunJobDeps {
  /** The providers of the job's policy, in policy order. */
  readonly providers: readonly Provider[];
  readonly breaker: (provider: ProviderId) => BreakerPort;
  readonly get: HttpGet;
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly timeoutMs: number;
}

/**
 * Runs one job: asks the chosen provider, and the next one for what the first left uncovered. Never
 * throws for a provider's fault; what came back valid is kept, in the order it was asked.
 */
export async function runBarsJob(job: BarsFetchJob, deps: RunJobDeps): Promise<PollOutcome> {
  const run = new JobRun(job, deps);
  const { order, lastResort } = choose(await candidates(deps));
  for (const { id, how } of order) {
    if (run.isDone()) break;
    if (how === "call" || (await deps.breaker(id).takeProbe("bars_1m"))) await run.ask(id);
  }
  if (run.outcome.selected.length === 0 && lastResort !== null) await run.ask(lastResort);
  return run.outcome;
}

/** A job on its way: what was answered so far, and for which symbols nobody has. */
class JobRun {
  readonly outcome: PollOutcome;
  #job: BarsFetchJob;
  #deps: RunJobDeps;

  constructor(job: BarsFetchJob, deps: RunJobDeps) {
    this.#job = job;
    this.#deps = deps;
    this.outcome = {
      answers: [],
      calls: [],
      selected: [],
      failures: [],
      uncovered: job.symbols.length,
    };
  }

  isDone(): boolean {
    return this.#job.symbols.length === 0;
  }

  async ask(id: ProviderId): Promise<void> {
    const provider = this.#deps.providers.find((candidate) => candidate.id === id);
    if (provider === undefined) return;
    this.outcome.selected.push(id);
    const askedAt = this.#deps.market.now();
    const answer = await ask(provider, this.#job, this.#deps);
    this.outcome.calls.push(...answer.calls);
    if (answer.covered.length > 0 || answer.rows.length > 0) {
      this.outcome.answers.push(toIngest(id, answer, this.#job, askedAt, this.#deps));
    }
    if (answer.failure !== null) {
      this.outcome.failures.push({
        provider: id,
        kind: answer.failure.kind,
        message: answer.failure.message,
      });
    }
    const done = coveredWhole(answer, this.#job);
    this.#job = { ...this.#job, symbols: this.#job.symbols.filter((symbol) => !done.has(symbol)) };
    this.outcome.uncovered = this.#job.symbols.length;
  }
}

/** Symbols that were answered over the whole window of the job: a provider may serve only a part. */
function coveredWhole(answer: BarsAnswer, job: BarsFetchJob): Set<string> {
  const whole = answer.covered.filter(
    (part) => part.startMs <= job.start_ms && part.endMs >= job.end_ms,
  );
  return new Set(whole.flatMap((part) => part.symbols));
}

async function candidates(deps: RunJobDeps): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const { id } of deps.providers) {
    const admission = await deps.breaker(id).admission("bars_1m");
    found.push({ id, admission });
  }
  return found;
}

async function ask(provider: Provider, job: BarsFetchJob, deps: RunJobDeps): Promise<BarsAnswer> {
  const breaker = deps.breaker(provider.id);
  let credits = 0;
  let wanted = 1;
  let asking: Promise<void> = Promise.resolve();
  const take = async () => {
    if (credits === 0) {
      credits = (await breaker.takeCredits(wanted)).granted;
      wanted = Math.min(wanted * 2, MAX_CREDITS_AT_A_TIME);
    }
    if (credits === 0) throw new ProviderError("no_credits", `${provider.id} has no credits left`);
    credits -= 1;
  };
  const spend = () => {
    // One at a time: parallel calls of a job share what was granted.
    asking = asking.then(take, take);
    return asking;
  };
  const answer = await provider.fetchBars(
    { symbols: job.symbols, interval: job.interval, startMs: job.start_ms, endMs: job.end_ms },
    {
      get: deps.get,
      now: () => deps.market.now(),
      elapsed: () => deps.wall.now(),
      timeoutMs: deps.timeoutMs,
      spend,
    },
  );
  const outcomes = outcomesOf(answer, job.symbols.length, job, deps.market.now());
  await breaker.report("bars_1m", outcomes, credits);
  return answer;
}

function toIngest(
  provider: ProviderId,
  answer: BarsAnswer,
  job: BarsFetchJob,
  askedAt: number,
  deps: RunJobDeps,
): IngestAnswer {
  const asked = { symbols: new Set(job.symbols), startMs: job.start_ms, endMs: job.end_ms };
  const { bars, refused } = validateBars(answer.rows, asked);
  const inSession: Bar[] = [];
  const reasons: Record<string, number> = {};
  for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
  for (const bar of bars) {
    if (isStored(bar.ts, deps)) inSession.push(bar);
    else reasons["outside_session"] = (reasons["outside_session"] ?? 0) + 1;
  }
  return {
    source: { provider, feed: answer.feed },
    askedAt,
    receivedAt: deps.wall.now(),
    settle: job.settle,
    bars: inSession,
    covered: answer.covered,
    refused: reasons,
  };
}

/** Regular minutes and the closing window are always stored, pre and post when configured. */
function isStored(ts: number, deps: RunJobDeps): boolean {
  const kind = deps.calendar.sessionKind(ts);
  if (kind === undefined) return false;
  return kind === "regular" || deps.sessions.includes(kind) || deps.calendar.isClosingWindow(ts);
}

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

/** The calls of an answer as health sees them, each with its share of the symbol-minutes. */
function outcomesOf(
  answer: BarsAnswer,
  symbols: number,
  job: BarsFetchJob,
  atMs: number,
): Outcome[] {
  const judged = answer.calls.filter((call) => !SAYS_NOTHING.has(call.code));
  const minutes = (job.end_ms - job.start_ms) / MINUTE_MS;
  const answered = answer.covered.reduce(
    (sum, part) => sum + (part.symbols.length * (part.endMs - part.startMs)) / MINUTE_MS,
    0,
  );
  // What was left out for a reason that is not the provider's was not asked of it; nor was what a
  // single rate limit cut off, which is our own haste.
  const limitedCalls = judged.filter((call) => call.code === "rate_limited").length;
  const isLoneLimit =
    answer.failure?.kind === "rate_limited" && limitedCalls === 1 && judged.length > 1;
  const excused = isLoneLimit || (answer.failure !== null && SAYS_NOTHING.has(answer.failure.kind));
  const asked = excused ? answered : symbols * minutes;
  return judged.map((call) => ({
    atMs,
    ok: !FAILED.has(call.code),
    limited: call.code === "rate_limited",
    durationMs: call.durationMs,
    asked: asked / judged.length,
    answered: answered / judged.length,
  }));
}
