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
import { choose } from "../routing/choose.ts";

/** Credits are taken a few at a time, so that a job of many calls does not ask for each. */
const CREDITS_AT_A_TIME = 8;

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
  const answers: IngestAnswer[] = [];
  const calls: ProviderCall[] = [];
  const selected: ProviderId[] = [];
  const failures: { provider: ProviderId; kind: string; message: string }[] = [];
  let symbols = job.symbols;
  for (const id of await order(deps)) {
    const provider = deps.providers.find((candidate) => candidate.id === id);
    if (provider === undefined || symbols.length === 0) continue;
    selected.push(id);
    const askedAt = deps.market.now();
    const answer = await ask(provider, { ...job, symbols }, deps);
    calls.push(...answer.calls);
    await deps.breaker(id).report("bars_1m", outcomesOf(answer, symbols.length, job, askedAt));
    if (answer.covered.length > 0 || answer.rows.length > 0) answers.push(toIngest(id, answer, { ...job, symbols }, askedAt, deps));
    if (answer.failure !== null) failures.push({ provider: id, kind: answer.failure.kind, message: answer.failure.message });
    const done = coveredWhole(answer, job);
    symbols = symbols.filter((symbol) => !done.has(symbol));
  }
  return { answers, calls, selected, failures, uncovered: symbols.length };
}

/** Symbols that were answered over the whole window of the job: a provider may serve only a part. */
function coveredWhole(answer: BarsAnswer, job: BarsFetchJob): Set<string> {
  const whole = answer.covered.filter((part) => part.startMs <= job.start_ms && part.endMs >= job.end_ms);
  return new Set(whole.flatMap((part) => part.symbols));
}

async function order(deps: RunJobDeps): Promise<ProviderId[]> {
  const candidates = [];
  for (const provider of deps.providers) {
    const admission = await deps.breaker(provider.id).admit("bars_1m");
    candidates.push({ id: provider.id, admission });
  }
  return choose(candidates);
}

async function ask(provider: Provider, job: BarsFetchJob, deps: RunJobDeps): Promise<BarsAnswer> {
  const breaker = deps.breaker(provider.id);
  let credits = 0;
  let asking: Promise<void> = Promise.resolve();
  const take = async () => {
    if (credits === 0) credits = (await breaker.takeCredits(CREDITS_AT_A_TIME)).granted;
    if (credits === 0) throw new ProviderError("no_credits", `${provider.id} has no credits left`);
    credits -= 1;
  };
  const spend = () => {
    // One at a time: parallel calls of a job share what was granted.
    asking = asking.then(take, take);
    return asking;
  };
  return provider.fetchBars(
    { symbols: job.symbols, interval: job.interval, startMs: job.start_ms, endMs: job.end_ms },
    {
      get: deps.get,
      now: () => deps.market.now(),
      elapsed: () => deps.wall.now(),
      timeoutMs: deps.timeoutMs,
      spend,
    },
  );
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

const LOWERS_HEALTH: ReadonlySet<ProviderCall["code"]> = new Set(["timeout", "unavailable", "malformed", "rate_limited"]);
const SAYS_NOTHING: ReadonlySet<ProviderCall["code"]> = new Set(["no_credits", "unauthorized", "not_entitled"]);

function outcomesOf(answer: BarsAnswer, symbols: number, job: BarsFetchJob, atMs: number): Outcome[] {
  const minutes = (job.end_ms - job.start_ms) / MINUTE_MS;
  const answered = answer.covered.reduce(
    (sum, part) => sum + (part.symbols.length * (part.endMs - part.startMs)) / MINUTE_MS,
    0,
  );
  const judged = answer.calls.filter((call) => !SAYS_NOTHING.has(call.code));
  return judged.map((call, index) => ({
    atMs,
    ok: !LOWERS_HEALTH.has(call.code),
    durationMs: call.durationMs,
    asked: index === 0 ? symbols * minutes : 0,
    answered: index === 0 ? answered : 0,
  }));
}
