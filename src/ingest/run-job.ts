import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";
import type { Calendar, SessionKind } from "../domain/calendar.ts";
import type { Bar } from "../domain/bar.ts";
import type { CreditLane } from "../domain/credits.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import type { MarketClock, WallClock } from "../platform/clocks.ts";
import type { BarsAnswer, HttpGet, ProviderOf } from "../providers/provider.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import { validateBars } from "../providers/validate.ts";
import type { BreakerPort } from "../routing/admission.ts";
import type { Decision } from "../routing/decision.ts";
import { entitlementOf } from "../routing/entitlement.ts";
import { askInTurn } from "../routing/failover.ts";
import { outcomesOf } from "./call-outcomes.ts";
import { CreditPurse } from "./credit-purse.ts";

type BarsProvider = ProviderOf<"bars_1m">;

/** Duties of a group that ask for what is new; every other one repairs. */
const POLL_DUTY = "poll:";

/** What a job needs of the world. `timeoutMs` bounds one call, in time of the wall. */
export interface RunJobDeps {
  /** The providers of the job's policy, in policy order. */
  readonly providers: readonly BarsProvider[];
  readonly breaker: (provider: ProviderId) => BreakerPort;
  readonly get: HttpGet;
  readonly calendar: Calendar;
  readonly sessions: readonly SessionKind[];
  readonly market: MarketClock;
  readonly wall: WallClock;
  readonly timeoutMs: number;
}

/** What a job brought, and why it asked whom. */
export interface JobResult {
  readonly outcome: PollOutcome;
  readonly decision: Decision;
}

/**
 * Runs one job: asks the chosen provider, and the next one for what the first left uncovered. Never
 * throws for a provider's fault; what came back valid is kept, in the order it was asked.
 */
export async function runBarsJob(job: GroupFetch, deps: RunJobDeps): Promise<JobResult> {
  const run = new JobRun(job, deps);
  const decision = await askInTurn({
    capability: "bars_1m",
    providers: deps.providers.map(({ id }) => id),
    breaker: deps.breaker,
    nowMs: deps.market.now(),
    ask: (id) => run.ask(id),
    isDone: () => run.isDone(),
  });
  return { outcome: run.outcome, decision };
}

/** A job on its way: what was answered so far, and for which symbols nobody has. */
class JobRun {
  readonly outcome: PollOutcome;
  #job: GroupFetch;
  #deps: RunJobDeps;

  constructor(job: GroupFetch, deps: RunJobDeps) {
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

  /** Asks a provider for what is still open; answers the kind of its fault, or null. */
  async ask(id: ProviderId): Promise<ProviderErrorKind | null> {
    const provider = this.#deps.providers.find((candidate) => candidate.id === id);
    if (provider === undefined) return null;
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
    return answer.failure?.kind ?? null;
  }
}

/** Symbols that were answered over the whole window of the job: a provider may serve only a part. */
function coveredWhole(answer: BarsAnswer, job: GroupFetch): Set<string> {
  const whole = answer.covered.filter(
    (part) => part.startMs <= job.start_ms && part.endMs >= job.end_ms,
  );
  return new Set(whole.flatMap((part) => part.symbols));
}

/** Repair leaves credits to the polls; it goes as T0's until holes have a queue of their own. */
function laneOf(job: GroupFetch): CreditLane {
  return job.duty.startsWith(POLL_DUTY) ? "live" : "T0";
}

async function ask(provider: BarsProvider, job: GroupFetch, deps: RunJobDeps): Promise<BarsAnswer> {
  const breaker = deps.breaker(provider.id);
  const now = () => deps.market.now();
  const purse = new CreditPurse({ provider: provider.id, lane: laneOf(job), breaker, now });
  const answer = await provider.fetchBars(
    { symbols: job.symbols, interval: job.interval, startMs: job.start_ms, endMs: job.end_ms },
    {
      get: async (url, options) => {
        const response = await deps.get(url, options);
        purse.hear(response);
        return response;
      },
      now,
      elapsed: () => deps.wall.now(),
      timeoutMs: deps.timeoutMs,
      spend: () => purse.spend(),
    },
  );
  await breaker.report("bars_1m", {
    outcomes: outcomesOf(answer, job, now()),
    entitlement: entitlementOf(answer.calls, answer.failure, now()),
    ...(await purse.close()),
  });
  return answer;
}

function toIngest(
  provider: ProviderId,
  answer: BarsAnswer,
  job: GroupFetch,
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
