import type { Bar } from "../../domain/bar.ts";
import { SECOND_MS, type TimeRange } from "../../domain/time.ts";
import { servableWindow } from "../plan-limits.ts";
import type { BarsAnswer, BarsRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { sweepSymbols } from "../symbol-sweep.ts";
import { type FinnhubHost, getFinnhub } from "./client.ts";
import { type FinnhubPlanRow, MAX_WINDOW_MS } from "./limits.ts";
import { toBars, toFinnhubSymbol } from "./map.ts";
import { finnhubBarsSchema } from "./schema.ts";

/** What one symbol answered, to the last window. */
interface SymbolAnswer {
  readonly rows: Bar[];
  readonly complete: boolean;
  readonly failure: ProviderError | null;
}

/**
 * Raw 1-minute bars, one symbol a call. `no_data` is also what a passing fault answers (issues 313,
 * 519), so it is asked a second time before its absence counts. Symbols whose spelling is unproven
 * are not asked and not covered.
 */
export async function fetchBars(
  host: FinnhubHost,
  limits: FinnhubPlanRow,
  request: BarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const nothing = { rows: [], covered: [], feed: "finnhub", calls: [] } as const;
  if (request.interval !== "1m") {
    const failure = new ProviderError("bad_request", `${request.interval} bars are not served`);
    return { ...nothing, failure };
  }
  const { window, failure: unserved } = servableWindow(request, limits, deps.now());
  if (window === null) return { ...nothing, failure: unserved };
  const calls: ProviderCall[] = [];
  const asked = new Set(request.symbols.filter((symbol) => toFinnhubSymbol(symbol) !== null));
  const ask = (symbol: string, mayCall: () => boolean) =>
    fetchSymbol(host, symbol, window, deps, calls, mayCall);
  const first = await sweepSymbols(asked, ask);
  const empty = [...first.answers]
    .filter(([, answer]) => answer.complete && answer.rows.length === 0)
    .map(([symbol]) => symbol);
  const second =
    first.failure === null
      ? await sweepSymbols(new Set(empty), ask)
      : { answers: new Map<string, SymbolAnswer>(), failure: null };
  const covered: string[] = [];
  const rows: Bar[] = [];
  for (const [symbol, answer] of first.answers) {
    const isEmpty = answer.complete && answer.rows.length === 0;
    const believed = isEmpty ? second.answers.get(symbol) : answer;
    for (const bar of believed?.rows ?? []) rows.push(bar);
    if (believed?.complete === true) covered.push(symbol);
  }
  return {
    rows,
    covered: covered.length > 0 ? [{ symbols: covered, ...window }] : [],
    feed: "finnhub",
    calls,
    failure: first.failure ?? second.failure ?? unserved,
  };
}

async function fetchSymbol(
  host: FinnhubHost,
  symbol: string,
  window: TimeRange,
  deps: ProviderDeps,
  calls: ProviderCall[],
  mayCall: () => boolean,
): Promise<SymbolAnswer> {
  const rows: Bar[] = [];
  for (let startMs = window.startMs; startMs < window.endMs; startMs += MAX_WINDOW_MS) {
    if (!mayCall()) return { rows, complete: false, failure: null };
    const endMs = Math.min(startMs + MAX_WINDOW_MS, window.endMs);
    const { value, failure } = await getFinnhub(
      host,
      {
        endpoint: "bars",
        path: "/stock/candle",
        query: {
          symbol: toFinnhubSymbol(symbol) ?? symbol,
          resolution: "1",
          from: String(Math.floor(startMs / SECOND_MS)),
          // `to` is INCLUSIVE at the API, ours is not.
          to: String(Math.ceil(endMs / SECOND_MS) - 1),
        },
        schema: finnhubBarsSchema,
        check: (answer) => {
          if (toBars(symbol, answer) !== null) return;
          throw new ProviderError("malformed", "columns of different length", { status: 200 });
        },
      },
      deps,
      calls,
    );
    if (value === null) return { rows, complete: false, failure };
    for (const bar of toBars(symbol, value) ?? []) rows.push(bar);
  }
  return { rows, complete: true, failure: null };
}
