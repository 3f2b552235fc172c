import type { GroupFetch } from "../contracts/group-fetch.ts";
import type { IngestAnswer, PollOutcome } from "../contracts/ingest.ts";
import type { ProviderId } from "../domain/provider-id.ts";
import {
  agree,
  canJudge,
  type PoorAnswer,
  rateRanges,
  witnessesFor,
} from "../domain/plausibility.ts";
import type { EpochMs } from "../domain/time.ts";
import { MINUTE_MS } from "../domain/time.ts";
import type { BarsAnswer } from "../providers/provider.ts";
import type { ProviderErrorKind } from "../providers/provider-error.ts";
import type { Admission } from "../routing/admission.ts";
import { withoutBadSymbols } from "../routing/bad-symbols.ts";
import type { DecidedCandidate, Decision } from "../routing/decision.ts";
import { askBars, type AskBarsDeps, type BarsProvider } from "./ask-bars.ts";

/**
 * A fetch on its way: for which symbols nobody has answered yet, and which minutes are doubted, since
 * too few bars came. The next provider is asked about both; what two that agree leave out is believed.
 */
export class JobRun {
  readonly outcome: PollOutcome;
  #fetch: GroupFetch;
  #open: ReadonlySet<string>;
  #doubted: ReadonlyMap<EpochMs, readonly PoorAnswer[]> = new Map();
  #providers: readonly BarsProvider[];
  #deps: AskBarsDeps;

  constructor(fetch: GroupFetch, providers: readonly BarsProvider[], deps: AskBarsDeps) {
    this.#fetch = fetch;
    this.#open = new Set(fetch.symbols);
    this.#providers = providers;
    this.#deps = deps;
    this.outcome = {
      answers: [],
      calls: [],
      selected: [],
      failures: [],
      uncovered: fetch.symbols.length,
    };
  }

  isDone(): boolean {
    return this.#open.size === 0 && this.#doubted.size === 0;
  }

  /** Asks a provider for what is still open; answers the kind of its fault, or null. */
  async ask(id: ProviderId, admission: Admission): Promise<ProviderErrorKind | null> {
    const provider = this.#providers.find((candidate) => candidate.id === id);
    const left = this.#rest();
    const rest = narrowed(left, new Set(withoutBadSymbols(left.symbols, admission)));
    if (provider === undefined || rest.symbols.length === 0) return null;
    this.outcome.selected.push(id);
    const answer = await askBars(provider, rest, admission, this.#deps);
    this.outcome.calls.push(...answer.calls);
    const wanted = this.#doubted.size > 0 ? new Set(rest.symbols) : this.#open;
    if (answer.covered.length > 0 || answer.rows.length > 0)
      this.#take(restricted(answer.ingest, wanted));
    if (answer.failure !== null) {
      const { kind, message } = answer.failure;
      this.outcome.failures.push({ provider: id, kind, message });
    }
    const whole = coveredWhole(answer, rest);
    this.#open = new Set([...this.#open].filter((symbol) => !whole.has(symbol)));
    this.outcome.uncovered = this.#open.size;
    return answer.failure?.kind ?? null;
  }

  /**
   * Says of each doubt whether there is anybody else to ask about it, now or when its breaker lets it be
   * asked again. One that refuses the key, or that a person holds back, is not: else a market-wide halt
   * would never be believed of the only provider that serves.
   */
  end(decision: Decision): void {
    const alone = decision.candidates.filter(mayAnswer).length <= 1;
    this.outcome.answers = this.outcome.answers.map((answer) => ({ ...answer, alone }));
  }

  /**
   * What is left to ask: all symbols while a minute is doubted, since a part of them cannot judge; with
   * witnesses from among the answered ones, when those that are open are too few to judge by.
   */
  #rest(): GroupFetch {
    if (this.#doubted.size === 0) {
      return narrowed(
        this.#fetch,
        new Set([...this.#open, ...witnessesOf(this.#fetch, this.#open)]),
      );
    }
    if (this.#open.size > 0) return this.#fetch;
    return {
      ...this.#fetch,
      start_ms: Math.min(...this.#doubted.keys()),
      end_ms: Math.max(...this.#doubted.keys()) + MINUTE_MS,
    };
  }

  #take(ingest: IngestAnswer): void {
    const still = new Map(this.#doubted);
    for (const { startMs, endMs } of ingest.covered) {
      for (const ts of still.keys()) if (ts >= startMs && ts < endMs) still.delete(ts);
    }
    const agreed: EpochMs[] = [];
    const doubted: EpochMs[] = [];
    for (const ts of ingest.doubted) {
      const before = this.#doubted.get(ts) ?? [];
      const bars = ingest.bars.filter((bar) => bar.ts === ts).length;
      const poor: PoorAnswer = { source: ingest.source, bars };
      if (before.some((other) => agree(other, poor))) agreed.push(ts);
      else {
        doubted.push(ts);
        still.set(ts, [...before, poor]);
      }
    }
    this.outcome.answers.push({ ...ingest, doubted, agreed });
    this.#doubted = still;
  }
}

/** Kinds of fault that say that a provider does not serve this key. */
const REFUSES_KEY: ReadonlySet<string | null> = new Set<ProviderErrorKind>([
  "unauthorized",
  "not_entitled",
]);

/** Whether a candidate answers sooner or later: a breaker that is open closes again. */
function mayAnswer({ verdict, failure }: DecidedCandidate): boolean {
  return verdict !== "not_entitled" && verdict !== "isolated" && !REFUSES_KEY.has(failure);
}

/** Answered symbols to ask again beside the open ones, so that an empty answer shows; mostly none. */
function witnessesOf(fetch: GroupFetch, open: ReadonlySet<string>): string[] {
  if (fetch.rates.length === 0) return [];
  const rated = rateRanges(fetch.symbols, fetch.rates);
  const asked = rated.filter(({ symbol }) => open.has(symbol));
  const others = rated.filter(({ symbol }) => !open.has(symbol));
  return canJudge(asked) ? [] : witnessesFor(asked, others);
}

/** An answer without what it says of symbols that were only asked as witnesses. */
function restricted(ingest: IngestAnswer, wanted: ReadonlySet<string>): IngestAnswer {
  const covered = ingest.covered
    .map((part) => ({ ...part, symbols: part.symbols.filter((symbol) => wanted.has(symbol)) }))
    .filter(({ symbols }) => symbols.length > 0);
  return { ...ingest, bars: ingest.bars.filter(({ symbol }) => wanted.has(symbol)), covered };
}

/** A fetch for fewer symbols, each with its own rates. */
function narrowed(fetch: GroupFetch, symbols: ReadonlySet<string>): GroupFetch {
  const keep = fetch.symbols.map((symbol) => symbols.has(symbol));
  return {
    ...fetch,
    symbols: fetch.symbols.filter((_, index) => keep[index] === true),
    rates: fetch.rates.map((span) => ({
      ...span,
      rates: span.rates.filter((_, index) => keep[index] === true),
    })),
  };
}

/** Symbols that were answered over the whole window of the fetch: a provider may serve only a part. */
function coveredWhole(answer: BarsAnswer, fetch: GroupFetch): Set<string> {
  const whole = answer.covered.filter(
    (part) => part.startMs <= fetch.start_ms && part.endMs >= fetch.end_ms,
  );
  return new Set(whole.flatMap((part) => part.symbols));
}
