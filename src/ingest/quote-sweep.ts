import type { TaskOutcome } from "../contracts/tasks.ts";
import type { Outcome } from "../domain/health.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import { checkQuote, type SourcedQuote } from "../domain/quote-check.ts";
import type { ProviderOf, QuotesAnswer } from "../providers/provider.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { Admission } from "../routing/admission.ts";
import { withoutBadSymbols } from "../routing/bad-symbols.ts";
import type { Decision } from "../routing/decision.ts";
import { askInTurn } from "../routing/failover.ts";
import { type AskDeps, askProvider } from "./ask-provider.ts";
import { judgeCalls } from "./call-outcomes.ts";

/** What a sweep for quotes needs of the world. */
export interface QuoteSweepDeps extends AskDeps {
  /** The providers of policy `quotes_l1`, in policy order. */
  readonly providers: readonly ProviderOf<"quotes_l1">[];
}

/** What a sweep brought: quotes that may be believed, and why it asked whom. */
export interface QuoteSweep {
  readonly quotes: readonly SourcedQuote[];
  /** Symbols that nobody answered. */
  readonly open: number;
  readonly outcome: TaskOutcome;
  readonly decision: Decision;
}

/**
 * Asks for the newest quote of each symbol: the chosen provider for all of them, in batches of its
 * own, the next one for what nobody answered or answered with nothing that may be believed. Never
 * throws for a provider's fault. Always done: the next sweep, 15 s later, asks for the same.
 */
export async function sweepQuotes(
  symbols: readonly string[],
  deps: QuoteSweepDeps,
): Promise<QuoteSweep> {
  const run = new SweepRun(symbols, deps);
  const decision = await askInTurn({
    capability: "quotes_l1",
    providers: deps.providers.map(({ id }) => id),
    breaker: deps.breaker,
    nowMs: deps.market.now(),
    ask: (id, admission) => run.ask(id, admission),
    isDone: () => run.isDone(),
  });
  return { quotes: run.quotes, open: run.openCount(), outcome: run.outcome, decision };
}

/** A sweep on its way: what was answered so far, and for which symbols nobody has. */
class SweepRun {
  readonly quotes: SourcedQuote[] = [];
  readonly outcome: TaskOutcome & { refused: Record<string, number> } = {
    calls: [],
    selected: [],
    failures: [],
    refused: {},
    done: true,
  };
  #open: readonly string[];
  #deps: QuoteSweepDeps;

  constructor(symbols: readonly string[], deps: QuoteSweepDeps) {
    this.#open = symbols;
    this.#deps = deps;
  }

  isDone(): boolean {
    return this.#open.length === 0;
  }

  openCount(): number {
    return this.#open.length;
  }

  /** Asks a provider for what is still open; answers the kind of its fault, or null. */
  async ask(id: ProviderId, admission: Admission): Promise<ProviderErrorKind | null> {
    const provider = this.#deps.providers.find((candidate) => candidate.id === id);
    const symbols = withoutBadSymbols(this.#open, admission);
    if (provider === undefined || symbols.length === 0) return null;
    this.outcome.selected.push(id);
    const askedAt = this.#deps.market.now();
    const answer = await askProvider(
      {
        provider: id,
        capability: "quotes_l1",
        admission,
        symbols,
        lane: "live",
        call: (providerDeps) => provider.fetchQuotes({ symbols }, providerDeps),
        outcomes: (given, atMs) => outcomesOf(given, symbols, atMs),
      },
      this.#deps,
    );
    this.outcome.calls.push(...answer.calls);
    if (answer.failure !== null) {
      const { kind, message } = answer.failure;
      this.outcome.failures.push({ provider: id, kind, message });
    }
    this.#take(answer, { provider: id, askedAt });
    return answer.failure?.kind ?? null;
  }

  #take(answer: QuotesAnswer, source: { provider: ProviderId; askedAt: number }): void {
    const asked = new Set(this.#open);
    const done = new Set(answer.covered);
    const taken = new Map<string, SourcedQuote>();
    for (const quote of answer.quotes) {
      const checked = checkQuote({ ...quote, ...source }, asked, source.askedAt);
      if (checked.ok) taken.set(quote.symbol, checked.quote);
      else {
        done.delete(quote.symbol);
        const { refused } = this.outcome;
        refused[checked.reason] = (refused[checked.reason] ?? 0) + 1;
      }
    }
    this.quotes.push(...taken.values());
    this.#open = this.#open.filter((symbol) => !done.has(symbol) && !taken.has(symbol));
  }
}

/** Completeness of quotes counts symbols. */
function outcomesOf(answer: QuotesAnswer, asked: readonly string[], atMs: number): Outcome[] {
  const known = new Set(asked);
  const foreign = answer.quotes.filter(({ symbol }) => !known.has(symbol));
  const foreignShare = Math.min(
    1,
    new Set(foreign.map(({ symbol }) => symbol)).size / asked.length,
  );
  const counts = { asked: asked.length, answered: answer.covered.length, foreignShare };
  return judgeCalls({ ...answer, ...counts }, atMs);
}
