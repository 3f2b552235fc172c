import type { DailyAnswer } from "../contracts/daily-answer.ts";
import type { TaskOutcome } from "../contracts/tasks.ts";
import type { Bar } from "../domain/bar.ts";
import type { Calendar } from "../domain/calendar.ts";
import type { CreditLane } from "../domain/credits.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { DAY_MS } from "../domain/time.ts";
import type { TradingDate } from "../domain/trading-date.ts";
import { dailyTs } from "../providers/daily-bar.ts";
import type { BarsAnswer, ProviderOf } from "../providers/provider.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import { validateBars } from "../providers/validate.ts";
import type { Decision } from "../routing/decision.ts";
import { askInTurn } from "../routing/failover.ts";
import { type AskDeps, askProvider } from "./ask-provider.ts";
import { judgeCalls } from "./call-outcomes.ts";
import { DateBook } from "./date-book.ts";

/** The daily bars of some symbols and trading dates, whose sessions are over. */
export interface DailyJob {
  readonly symbols: readonly string[];
  readonly dates: readonly TradingDate[];
  readonly lane: CreditLane;
  /** Dates before this one are history. */
  readonly recentFrom: TradingDate;
}

/** What a job of daily bars needs of the world. */
export interface DailyJobDeps extends AskDeps {
  /** The providers of policy `bars_1d`, in policy order. */
  readonly providers: readonly ProviderOf<"bars_1d">[];
  readonly calendar: Calendar;
}

/** What a job brought: an answer a provider and date, how it ended, and why it asked whom. */
export interface DailyJobResult {
  readonly answers: readonly DailyAnswer[];
  readonly outcome: TaskOutcome;
  readonly decision: Decision;
}

/**
 * Asks the policy's providers for daily bars: the chosen one for everything, the next ones for what it left
 * open. Never throws for a provider's fault; what came back valid is kept.
 */
export async function runDailyJob(job: DailyJob, deps: DailyJobDeps): Promise<DailyJobResult> {
  const run = new DailyRun(job, deps);
  const decision = await askInTurn({
    capability: "bars_1d",
    providers: deps.providers.map(({ id }) => id),
    breaker: deps.breaker,
    nowMs: deps.market.now(),
    ask: (id) => run.ask(id),
    isDone: () => run.book.openDates().length === 0,
  });
  const isRetryHopeless = deps.providers.length === 0;
  const { answered, waiting } = run.book.result(job.recentFrom);
  const done = isRetryHopeless || waiting.length === 0;
  return {
    answers: run.answers,
    decision,
    outcome: { ...run.told, done, answered_dates: answered },
  };
}

class DailyRun {
  readonly book: DateBook;
  readonly answers: DailyAnswer[] = [];
  readonly told: Pick<TaskOutcome, "calls" | "selected" | "failures"> & {
    readonly refused: Record<string, number>;
  } = {
    calls: [],
    selected: [],
    failures: [],
    refused: {},
  };
  #deps: DailyJobDeps;
  #lane: CreditLane;

  constructor(job: DailyJob, deps: DailyJobDeps) {
    this.book = new DateBook(job.symbols, job.dates);
    this.#deps = deps;
    this.#lane = job.lane;
  }

  /** Asks a provider for what is still open; answers the kind of its fault, or null. */
  async ask(id: ProviderId): Promise<ProviderErrorKind | null> {
    const provider = this.#deps.providers.find((candidate) => candidate.id === id);
    if (provider === undefined) return null;
    this.told.selected.push(id);
    const dates = this.book.openDates();
    const symbols = this.book.openSymbols();
    const askedAt = this.#deps.market.now();
    const answer = await this.#fetch(provider, symbols, dates);
    this.told.calls.push(...answer.calls);
    const { failure } = answer;
    const { refused } = this.told;
    if (failure !== null) {
      this.told.failures.push({ provider: id, kind: failure.kind, message: failure.message });
    }
    for (const part of answer.parts) {
      this.book.note(part.date, part.covered, failure?.kind ?? null);
      for (const [reason, count] of Object.entries(part.refused))
        refused[reason] = (refused[reason] ?? 0) + count;
      if (part.bars.length === 0 && part.covered.length === 0) continue;
      const startMs = dailyTs(part.date);
      const session = this.#deps.calendar.session(part.date);
      this.answers.push({
        source: { provider: id, feed: answer.feed },
        askedAt,
        // Once the evening is over the first eligible provider has the last word, as over minutes.
        settle: session !== undefined && askedAt >= session.postCloseMs,
        bars: part.bars,
        covered: [{ symbols: part.covered, startMs, endMs: startMs + DAY_MS }],
      });
    }
    return failure?.kind ?? null;
  }

  #fetch(
    provider: ProviderOf<"bars_1d">,
    symbols: readonly string[],
    dates: readonly TradingDate[],
  ): Promise<BarsAnswer & { readonly parts: DatePart[] }> {
    return askProvider(
      {
        provider: provider.id,
        capability: "bars_1d",
        lane: this.#lane,
        call: async (access) => {
          const answer = await provider.fetchDailyBars({ symbols, dates }, access);
          return { ...answer, parts: partsOf(answer, symbols, dates) };
        },
        outcomes: (answer, atMs) => {
          const asked = symbols.length * dates.length;
          const answered = answer.parts.reduce((sum, { covered }) => sum + covered.length, 0);
          const foreignShare = foreignShareOf(answer, symbols, dates);
          return judgeCalls({ ...answer, asked, answered, foreignShare }, atMs);
        },
      },
      this.#deps,
    );
  }
}

/** Of fewer symbols than this a date without a single bar may be true. */
const MIN_JUDGED_SYMBOLS = 3;

/** What an answer says of one date. */
interface DatePart {
  readonly date: TradingDate;
  readonly bars: Bar[];
  /** Symbols that were answered for, with a bar or without; none when not one of them has a bar. */
  readonly covered: string[];
  readonly refused: Record<string, number>;
}

function partsOf(
  answer: BarsAnswer,
  symbols: readonly string[],
  dates: readonly TradingDate[],
): DatePart[] {
  const rows = Map.groupBy(answer.rows, (bar) => bar.ts);
  const asked = new Set(symbols);
  const starts = new Set(dates.map(dailyTs));
  const foreign = answer.rows.filter(({ ts }) => !starts.has(ts)).length;
  return dates.map((date, index) => {
    const startMs = dailyTs(date);
    const window = { symbols: asked, startMs, endMs: startMs + DAY_MS, alignMs: DAY_MS };
    const { bars, refused } = validateBars(rows.get(startMs) ?? [], window);
    const covered = answer.covered
      .filter((part) => part.startMs <= startMs && part.endMs >= startMs + DAY_MS)
      .flatMap((part) => part.symbols);
    const isPlausible = bars.length > 0 || covered.length < MIN_JUDGED_SYMBOLS;
    const reasons: Record<string, number> =
      index === 0 && foreign > 0 ? { out_of_window: foreign } : {};
    for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
    return { date, bars, covered: isPlausible ? covered : [], refused: reasons };
  });
}

/** How much of an answer brought rows that were not asked for, by symbol: 0 to 1. */
function foreignShareOf(
  { rows }: BarsAnswer,
  symbols: readonly string[],
  dates: readonly TradingDate[],
): number {
  const asked = new Set(symbols);
  const starts = new Set(dates.map(dailyTs));
  const foreign = rows.filter(({ symbol, ts }) => !asked.has(symbol) || !starts.has(ts));
  return Math.min(1, new Set(foreign.map(({ symbol }) => symbol)).size / symbols.length);
}
