import type { TimeRange } from "../../domain/time.ts";
import { servableWindow } from "../plan-limits.ts";
import type { BarsAnswer, BarsRequest, Provider, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { PolygonHost, SymbolAnswer } from "./client.ts";
import { fetchSymbol } from "./client.ts";
import { isAboutOneSymbol } from "./errors.ts";
import type { PolygonPlan, PolygonPlanRow } from "./limits.ts";
import { POLYGON_DELAY_MS, POLYGON_PLANS } from "./limits.ts";
import { toPolygonTicker } from "./map.ts";

/** Plain data. `baseUrl` is for example `https://api.polygon.io`. */
export interface PolygonSettings extends PolygonHost {
  readonly plan: PolygonPlan;
}

/** Symbols asked at a time: a Worker may have six open connections. */
export const MAX_CONCURRENT_SYMBOLS = 6;

/**
 * Faults of single symbols in one request before all the others count as hopeless too: as many
 * failed calls as open the breaker.
 */
export const MAX_SYMBOL_FAULTS = 5;

/**
 * Polygon (Massive) aggregates: raw 1-minute bars, one symbol a call. `covered` names exactly the
 * symbols that were answered to the last page. Preferred shares are not asked and not covered.
 * After a fault that is not one symbol's no new call is started; calls under way are kept.
 */
export function createPolygon(settings: PolygonSettings): Provider {
  return {
    id: "polygon",
    capabilities: ["bars_1m"],
    fetchBars: (request, deps) => fetchBars(settings, request, deps),
  };
}

async function fetchBars(
  settings: PolygonSettings,
  request: BarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const limits = POLYGON_PLANS[settings.plan];
  const nothing = { rows: [], covered: [], feed: limits.feed, calls: [] };
  if (request.interval !== "1m") {
    const failure = new ProviderError("bad_request", `${request.interval} bars are not served`);
    return { ...nothing, failure };
  }
  const { window, failure: unserved } = servableWindow(request, limits, deps.now());
  if (window === null) return { ...nothing, failure: unserved };
  const sweep = await fetchSymbols(settings, new Set(request.symbols), window, deps);
  return toAnswer(sweep, window, limits, unserved, deps);
}

/** What a sweep over symbols brought, by symbol in the order asked. */
interface Sweep {
  readonly answers: ReadonlyMap<string, SymbolAnswer>;
  readonly calls: readonly ProviderCall[];
  /** The fault that ended it early, else the first fault of a single symbol. */
  readonly failure: ProviderError | null;
}

async function fetchSymbols(
  settings: PolygonSettings,
  symbols: ReadonlySet<string>,
  window: TimeRange,
  deps: ProviderDeps,
): Promise<Sweep> {
  const calls: ProviderCall[] = [];
  const symbolFaults: ProviderError[] = [];
  let stoppedBy: ProviderError | null = null;
  const mayCall = (): boolean => stoppedBy === null;
  const answers = new Map<string, SymbolAnswer>();
  const queue = symbols.values();
  // The workers draw from one iterator, so each symbol is asked once.
  const work = async (): Promise<void> => {
    for (const symbol of queue) {
      const ticker = toPolygonTicker(symbol);
      if (ticker === null) continue;
      const answer = await fetchSymbol(settings, { symbol, ticker, window }, deps, calls, mayCall);
      answers.set(symbol, answer);
      if (answer.failure === null) continue;
      if (isAboutOneSymbol(answer.failure)) symbolFaults.push(answer.failure);
      if (!isAboutOneSymbol(answer.failure) || symbolFaults.length >= MAX_SYMBOL_FAULTS) {
        stoppedBy ??= answer.failure;
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_SYMBOLS }, work));
  return {
    answers: inOrder(symbols, answers),
    calls,
    failure: stoppedBy ?? symbolFaults[0] ?? null,
  };
}

function inOrder(
  symbols: ReadonlySet<string>,
  answers: ReadonlyMap<string, SymbolAnswer>,
): Map<string, SymbolAnswer> {
  const ordered = new Map<string, SymbolAnswer>();
  for (const symbol of symbols) {
    const answer = answers.get(symbol);
    if (answer !== undefined) ordered.set(symbol, answer);
  }
  return ordered;
}

function toAnswer(
  { answers, calls, failure }: Sweep,
  window: TimeRange,
  limits: PolygonPlanRow,
  unserved: ProviderError | null,
  deps: ProviderDeps,
): BarsAnswer {
  const rows = [...answers.values()].flatMap((answer) => answer.rows);
  const symbols = [...answers].filter(([, answer]) => answer.complete).map(([symbol]) => symbol);
  // A live plan's key that answers DELAYED is a delayed one in truth: its last minutes are missing,
  // which must not be read as "did not trade". Basic answers DELAYED to old minutes: nothing is missing.
  const isLate = limits.delayMs === 0 && [...answers.values()].some((answer) => answer.delayed);
  const truth = isLate
    ? servableWindow(window, { ...limits, delayMs: POLYGON_DELAY_MS }, deps.now())
    : { window, failure: null };
  const covered = symbols.length > 0 && truth.window !== null ? [{ symbols, ...truth.window }] : [];
  const feed = isLate ? "delayed_sip" : limits.feed;
  return { rows, covered, feed, calls, failure: failure ?? truth.failure ?? unserved };
}
