import type { Bar } from "../../domain/bar.ts";
import type { TimeRange } from "../../domain/time.ts";
import { servableWindow } from "../plan-limits.ts";
import type { BarsAnswer, BarsRequest, Provider, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { AlpacaHost } from "./client.ts";
import { chunkSymbols, fetchChunk } from "./client.ts";
import type { AlpacaPlan } from "./limits.ts";
import { alpacaLimits } from "./limits.ts";

/** Plain data. `baseUrl` is that of the data host, `https://data.alpaca.markets`. */
export interface AlpacaSettings extends AlpacaHost {
  readonly plan: AlpacaPlan;
}

/** Symbols that one request may lose to `invalid symbol` before it gives up: each costs a call. */
export const MAX_DROPPED_SYMBOLS = 20;

/** What a request has gathered so far. */
interface Gathered {
  readonly rows: Bar[];
  readonly answered: string[];
  readonly dropped: string[];
  readonly calls: ProviderCall[];
}

/**
 * Alpaca Market Data v2: raw 1-minute bars, many symbols a call. Symbols that Alpaca calls malformed
 * are dropped and the others asked again; they come back in a `bad_request` failure's `badSymbols`,
 * unless something else failed, which is then what `failure` says.
 */
export function createAlpaca(settings: AlpacaSettings): Provider {
  return {
    id: "alpaca",
    capabilities: ["bars_1m"],
    fetchBars: (request, deps) => fetchBars(settings, request, deps),
  };
}

async function fetchBars(
  settings: AlpacaSettings,
  request: BarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const gathered: Gathered = { rows: [], answered: [], dropped: [], calls: [] };
  const { rows, answered, dropped, calls } = gathered;
  const { feed } = settings;
  if (request.interval !== "1m") {
    const failure = new ProviderError("bad_request", `${request.interval} bars are not served`);
    return { rows, covered: [], feed, calls, failure };
  }
  const limits = alpacaLimits(settings.plan, feed);
  const { window, failure: unserved } = servableWindow(request, limits, deps.now());
  if (window === null) return { rows, covered: [], feed, calls, failure: unserved };
  const failure = await fetchChunks(
    settings,
    [...new Set(request.symbols)],
    window,
    deps,
    gathered,
  );
  const covered = answered.length > 0 ? [{ symbols: answered, ...window }] : [];
  return { rows, covered, feed, calls, failure: failure ?? unserved ?? droppedFailure(dropped) };
}

/** Asks chunk after chunk until one fails. */
async function fetchChunks(
  host: AlpacaHost,
  symbols: readonly string[],
  window: TimeRange,
  deps: ProviderDeps,
  gathered: Gathered,
): Promise<ProviderError | null> {
  for (const chunk of chunkSymbols(host, symbols, window)) {
    const failure = await fetchValidSymbols(host, chunk, window, deps, gathered);
    if (failure !== null) return failure;
  }
  return null;
}

/** Asks one chunk, again without each symbol that Alpaca calls malformed. */
async function fetchValidSymbols(
  host: AlpacaHost,
  chunk: readonly string[],
  window: TimeRange,
  deps: ProviderDeps,
  gathered: Gathered,
): Promise<ProviderError | null> {
  let symbols = chunk;
  while (symbols.length > 0) {
    const { rows, failure } = await fetchChunk(host, symbols, window, deps, gathered.calls);
    const bad = new Set(failure?.badSymbols ?? []);
    const left = symbols.filter((symbol) => !bad.has(symbol));
    const lost = symbols.length - left.length;
    if (lost === 0 || gathered.dropped.length + lost > MAX_DROPPED_SYMBOLS) {
      for (const row of rows) gathered.rows.push(row);
      if (failure === null) gathered.answered.push(...symbols);
      return failure;
    }
    gathered.dropped.push(...symbols.filter((symbol) => bad.has(symbol)));
    symbols = left;
  }
  return null;
}

function droppedFailure(dropped: readonly string[]): ProviderError | null {
  if (dropped.length === 0) return null;
  const message = `invalid symbols: ${dropped.join(", ")}`;
  return new ProviderError("bad_request", message, { status: 400, badSymbols: dropped });
}
