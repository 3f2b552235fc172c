import type { ProviderError } from "./provider-error.ts";

/** Symbols asked at a time: a Worker may have six open connections. */
export const MAX_CONCURRENT_SYMBOLS = 6;

/**
 * Faults of single symbols in one request before all the others count as hopeless too: as many
 * failed calls as open the breaker.
 */
export const MAX_SYMBOL_FAULTS = 5;

/** What a sweep over symbols brought, by symbol in the order asked; without those not asked. */
export interface Sweep<A> {
  readonly answers: ReadonlyMap<string, A>;
  /** The fault that ended it early, else the first fault of a single symbol. */
  readonly failure: ProviderError | null;
}

/** How one symbol is asked; `mayCall` is to be asked before each call. */
export type AskSymbol<A> = (symbol: string, mayCall: () => boolean) => Promise<A>;

/**
 * Asks symbol after symbol, six at a time. After a fault that is not one symbol's (the key, the plan,
 * the quota, the network) no new call is started; calls under way are kept.
 */
export async function sweepSymbols<A extends { readonly failure: ProviderError | null }>(
  symbols: ReadonlySet<string>,
  ask: AskSymbol<A>,
): Promise<Sweep<A>> {
  const found = new Map<string, A>();
  const symbolFaults: ProviderError[] = [];
  let stoppedBy: ProviderError | null = null;
  const mayCall = (): boolean => stoppedBy === null;
  const queue = symbols.values();
  // The workers draw from one iterator, so each symbol is asked once.
  const work = async (): Promise<void> => {
    for (const symbol of queue) {
      if (!mayCall()) continue;
      const answer = await ask(symbol, mayCall);
      found.set(symbol, answer);
      if (answer.failure === null) continue;
      if (isAboutOneSymbol(answer.failure)) symbolFaults.push(answer.failure);
      if (!isAboutOneSymbol(answer.failure) || symbolFaults.length >= MAX_SYMBOL_FAULTS) {
        stoppedBy ??= answer.failure;
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_SYMBOLS }, work));
  const answers = new Map<string, A>();
  for (const symbol of symbols) {
    const answer = found.get(symbol);
    if (answer !== undefined) answers.set(symbol, answer);
  }
  return { answers, failure: stoppedBy ?? symbolFaults[0] ?? null };
}

/**
 * Whether a fault may be that of one symbol, so that the others are still worth asking. Everything
 * else would meet each of them.
 */
export function isAboutOneSymbol(error: ProviderError): boolean {
  return error.kind === "not_found" || error.kind === "bad_request" || error.kind === "malformed";
}
