import type { EpochMs } from "../../../src/domain/time.ts";
import type { RowMarks } from "./row-book.ts";

/** A time in which a client was owed what a stream carried of some symbols: knowledge times, `(from, to]`. */
export interface Tenure {
  readonly stream: string;
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
  readonly symbols: "*" | readonly string[];
}

/** The rows of one symbol as Postgres has them, in the order of their knowledge. */
export interface OwedRows {
  readonly symbol: string;
  readonly ids: readonly number[];
  readonly asOfMs: readonly EpochMs[];
}

/** All rows of Postgres by the stream that carried them, then by symbol. */
export type Owed = ReadonlyMap<string, ReadonlyMap<string, OwedRows>>;

/** What a client was owed and what came: `unowed` are rows that nobody owed it. */
export interface Account {
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicate: number;
  readonly unowed: number;
  /** The first row that was lost, in words. */
  readonly firstLost: string | null;
}

/** Holds what a client got against what its tenures owed it. Tenures of one stream do not overlap. */
export function accountOf(tenures: readonly Tenure[], marks: RowMarks, owed: Owed): Account {
  let expected = 0;
  let delivered = 0;
  let firstLost: string | null = null;
  for (const { stream, fromMs, toMs, symbols } of tenures) {
    const bySymbol = owed.get(stream);
    if (bySymbol === undefined || toMs <= fromMs) continue;
    for (const symbol of symbols === "*" ? bySymbol.keys() : symbols) {
      const rows = bySymbol.get(symbol);
      if (rows === undefined) continue;
      for (let at = firstAfter(rows.asOfMs, fromMs); at < rows.ids.length; at += 1) {
        const [id, asOfMs] = [rows.ids[at], rows.asOfMs[at]];
        if (id === undefined || asOfMs === undefined || asOfMs > toMs) break;
        expected += 1;
        if (marks.has(id)) delivered += 1;
        else firstLost ??= `${symbol} of ${stream}, known at ${new Date(asOfMs).toISOString()}`;
      }
    }
  }
  return {
    expected,
    delivered,
    lost: expected - delivered,
    duplicate: marks.duplicates,
    unowed: marks.count - delivered,
    firstLost,
  };
}

/** The first place whose time is later. */
function firstAfter(times: readonly EpochMs[], ms: EpochMs): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}
