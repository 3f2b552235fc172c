import { ProviderError } from "../provider-error.ts";

/** Symbols that one request may lose to `invalid symbol` before it gives up: each costs a call. */
export const MAX_DROPPED_SYMBOLS = 20;

/** The rows of a chunk; it is complete when nothing failed. */
export interface ChunkAnswer<Row> {
  readonly rows: Row[];
  readonly failure: ProviderError | null;
}

/** What all chunks brought: `answered` are the symbols of those that were read to their end. */
export interface ChunksAnswer<Row> extends ChunkAnswer<Row> {
  readonly answered: string[];
  /** Symbols that Alpaca called malformed; they were left out and the others asked again. */
  readonly dropped: string[];
}

/** Asks chunk after chunk until one fails; rows before a failure are kept. */
export async function askChunks<Row>(
  chunks: readonly (readonly string[])[],
  ask: (symbols: readonly string[]) => Promise<ChunkAnswer<Row>>,
): Promise<ChunksAnswer<Row>> {
  const rows: Row[] = [];
  const answered: string[] = [];
  const dropped: string[] = [];
  for (const chunk of chunks) {
    const answer = await askValidSymbols(chunk, ask, MAX_DROPPED_SYMBOLS - dropped.length);
    for (const row of answer.rows) rows.push(row);
    answered.push(...answer.answered);
    dropped.push(...answer.dropped);
    if (answer.failure !== null) return { rows, answered, dropped, failure: answer.failure };
  }
  return { rows, answered, dropped, failure: null };
}

/** Asks one chunk, again without each symbol that Alpaca calls malformed. */
async function askValidSymbols<Row>(
  chunk: readonly string[],
  ask: (symbols: readonly string[]) => Promise<ChunkAnswer<Row>>,
  maxDropped: number,
): Promise<ChunksAnswer<Row>> {
  const dropped: string[] = [];
  let symbols = [...chunk];
  while (symbols.length > 0) {
    const { rows, failure } = await ask(symbols);
    const bad = new Set(failure?.badSymbols ?? []);
    const left = symbols.filter((symbol) => !bad.has(symbol));
    const lost = symbols.length - left.length;
    if (lost === 0 || dropped.length + lost > maxDropped) {
      return { rows, answered: failure === null ? symbols : [], dropped, failure };
    }
    dropped.push(...symbols.filter((symbol) => bad.has(symbol)));
    symbols = left;
  }
  return { rows: [], answered: [], dropped, failure: null };
}

/** The failure of an answer from which nothing but malformed symbols is missing. */
export function droppedFailure(dropped: readonly string[]): ProviderError | null {
  if (dropped.length === 0) return null;
  const message = `invalid symbols: ${dropped.join(", ")}`;
  return new ProviderError("bad_request", message, { status: 400, badSymbols: dropped });
}
