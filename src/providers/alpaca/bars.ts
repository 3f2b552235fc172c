import type { Bar } from "../../domain/bar.ts";
import { laterLimits, servableWindow } from "../plan-limits.ts";
import type { BarsAnswer, BarsRequest, ProviderCall, ProviderDeps } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { askChunks, type ChunksAnswer, droppedFailure } from "./ask-chunks.ts";
import { type BarsQuery, chunkSymbols, fetchChunk } from "./client.ts";
import type { AlpacaHost } from "./host.ts";
import { type AlpacaFeed, alpacaLimits, type AlpacaPlan } from "./limits.ts";

/** A key's data host, plan and the feed of its minutes. */
export interface AlpacaAccount extends AlpacaHost {
  readonly plan: AlpacaPlan;
  readonly feed: AlpacaFeed;
}

/** Raw 1-minute bars of the configured feed, many symbols a call. */
export async function fetchBars(
  account: AlpacaAccount,
  request: BarsRequest,
  deps: ProviderDeps,
): Promise<BarsAnswer> {
  const { feed, plan } = account;
  const nothing = { rows: [], covered: [], feed, calls: [] };
  if (request.interval !== "1m") {
    const failure = new ProviderError("bad_request", `${request.interval} bars are not served`);
    return { ...nothing, failure };
  }
  const limits = laterLimits(alpacaLimits(plan, feed), deps.delayMs);
  const { window, failure: unserved } = servableWindow(request, limits, deps.now());
  if (window === null) return { ...nothing, failure: unserved };
  const calls: ProviderCall[] = [];
  const query: BarsQuery = { timeframe: "1Min", feed, ...window };
  const answer = await askBars(account, request.symbols, query, deps, calls);
  const { rows, answered } = answer;
  const covered = answered.length > 0 ? [{ symbols: answered, ...window }] : [];
  const failure = answer.failure ?? unserved ?? droppedFailure(answer.dropped);
  return { rows, covered, feed, calls, failure };
}

/** Asks for bars of symbols, each once, in chunks. */
export function askBars(
  host: AlpacaHost,
  symbols: readonly string[],
  query: BarsQuery,
  deps: ProviderDeps,
  calls: ProviderCall[],
): Promise<ChunksAnswer<Bar>> {
  const chunks = chunkSymbols(host, [...new Set(symbols)], query);
  return askChunks(chunks, (chunk) => fetchChunk(host, chunk, query, deps, calls));
}
