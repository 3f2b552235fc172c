import { type EpochMs, MINUTE_MS } from "../../../src/domain/time.ts";

/** A belief of a minute: which one, not what it says. */
export interface BeliefName {
  readonly symbol: string;
  readonly ts: EpochMs;
  readonly revision: number;
}

/** Places of one symbol's rows in an id: a hundred sessions of minutes fit. */
const ROWS_A_SYMBOL = 65_536;
/** Revisions of a minute that have names of their own. */
const MAX_REVISIONS = 64;

/**
 * Names of all rows that anybody has seen, as small integers that all clients share: a client then keeps one bit
 * a row. Rows of before `fromMs` have none: they are not accounted for.
 */
export class RowBook {
  #fromMs: EpochMs;
  #symbols = new Map<string, { readonly at: number; readonly rows: Map<number, number> }>();

  constructor(fromMs: EpochMs) {
    this.#fromMs = fromMs;
  }

  /** The id of a row, given at its first sight; null when it is not accounted for. */
  idOf({ symbol, ts, revision }: BeliefName): number | null {
    if (ts < this.#fromMs) return null;
    if (revision >= MAX_REVISIONS) throw new RangeError(`${symbol} ${ts} has revision ${revision}`);
    let entry = this.#symbols.get(symbol);
    if (entry === undefined) {
      entry = { at: this.#symbols.size, rows: new Map() };
      this.#symbols.set(symbol, entry);
    }
    const key = Math.floor((ts - this.#fromMs) / MINUTE_MS) * MAX_REVISIONS + revision;
    let place = entry.rows.get(key);
    if (place === undefined) {
      place = entry.rows.size;
      if (place >= ROWS_A_SYMBOL) throw new RangeError(`${symbol} has too many rows`);
      entry.rows.set(key, place);
    }
    return entry.at * ROWS_A_SYMBOL + place;
  }
}

/** The rows that one client got: a bit each, by symbol. */
export class RowMarks {
  /** How many different rows, and how often one came again. */
  count = 0;
  duplicates = 0;
  #bits = new Map<number, Uint8Array>();

  mark(id: number): void {
    const symbol = Math.floor(id / ROWS_A_SYMBOL);
    const place = id % ROWS_A_SYMBOL;
    let bits = this.#bits.get(symbol);
    if (bits === undefined || place >> 3 >= bits.length) {
      const grown = new Uint8Array(Math.max((place >> 3) + 1, (bits?.length ?? 4) * 2));
      if (bits !== undefined) grown.set(bits);
      this.#bits.set(symbol, grown);
      bits = grown;
    }
    const byte = bits[place >> 3] ?? 0;
    const bit = 1 << (place & 7);
    if ((byte & bit) !== 0) this.duplicates += 1;
    else {
      bits[place >> 3] = byte | bit;
      this.count += 1;
    }
  }

  has(id: number): boolean {
    const place = id % ROWS_A_SYMBOL;
    const byte = this.#bits.get(Math.floor(id / ROWS_A_SYMBOL))?.[place >> 3] ?? 0;
    return (byte & (1 << (place & 7))) !== 0;
  }
}
