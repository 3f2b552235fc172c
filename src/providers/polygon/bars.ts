import type { TimeRange } from "../../domain/time.ts";
import { laterLimits, servableWindow } from "../plan-limits.ts";
import type { BarsAnswer, BarsRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { type Sweep, sweepSymbols } from "../symbol-sweep.ts";
import { fetchSymbol, type SymbolAnswer } from "./client.ts";
import type { PolygonHost } from "./host.ts";
import { POLYGON_DELAY_MS, type PolygonPlanRow } from "./limits.ts";
import { toPolygonTicker } from "./map.ts";

/**
 * Raw 1-minute bars, one symbol a call. `covered` names exactly the symbols that were answered to the
 * last page. Symbols without a proven ticker are not asked and not covered.
 */
export async function fetchBars(
  host: PolygonHost,
  plan: PolygonPlanRow,
  request: BarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const later = laterLimits(plan, deps.delayMs);
  // Of a key that is delayed in truth; one that serves the end of day serves the tape's final minutes.
  const isDelayed = later !== plan && later.delayMs !== "end_of_day";
  const limits: PolygonPlanRow = isDelayed ? { ...later, feed: "delayed_sip" } : later;
  const nothing = { rows: [], covered: [], feed: limits.feed, calls: [] };
  if (request.interval !== "1m") {
    const failure = new ProviderError("bad_request", `${request.interval} bars are not served`);
    return { ...nothing, failure };
  }
  const { window, failure: unserved } = servableWindow(request, limits, deps.now());
  if (window === null) return { ...nothing, failure: unserved };
  const tickers = new Map<string, string>();
  for (const symbol of request.symbols) {
    const ticker = toPolygonTicker(symbol);
    if (ticker !== null) tickers.set(symbol, ticker);
  }
  const calls: ProviderCall[] = [];
  const sweep = await sweepSymbols(new Set(tickers.keys()), (symbol, mayCall) => {
    const ticker = tickers.get(symbol) ?? symbol;
    return fetchSymbol(host, { symbol, ticker, window }, deps, calls, mayCall);
  });
  return { ...toAnswer(sweep, window, limits, unserved, deps), calls };
}

function toAnswer(
  { answers, failure }: Sweep<SymbolAnswer>,
  window: TimeRange,
  limits: PolygonPlanRow,
  unserved: ProviderError | null,
  deps: ProviderDeps,
): Omit<BarsAnswer, "calls"> {
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
  const answer = { rows, covered, feed, failure: failure ?? truth.failure ?? unserved };
  return isLate ? { ...answer, isLate } : answer;
}
