import type { SymbolRange } from "../../../src/contracts/backfill.ts";
import type { StoredFlush, StoredRow } from "./fake-postgres.ts";
import { FLOAT8, INT4, parseArray, result, TEXT } from "./sql-wire.ts";

const BAR_FIELDS = [
  ["symbol", TEXT],
  ["ts_ms", FLOAT8],
  ["open", FLOAT8],
  ["high", FLOAT8],
  ["low", FLOAT8],
  ["close", FLOAT8],
  ["volume", FLOAT8],
  ["vwap", FLOAT8],
  ["trade_count", FLOAT8],
  ["revision", INT4],
] as const;
const HOLE_FIELDS = [
  ["symbol", TEXT],
  ["from_ms", FLOAT8],
  ["to_ms", FLOAT8],
] as const;

type HandMade = Pick<StoredRow, "symbol" | "ts" | "close" | "revision">;

/** What an audit reads, and the hand of a person in the tables: rows deleted, changed and inserted. */
export class FakeAudit {
  /** Statements that were answered. */
  asked = 0;
  /** Rows that a person deleted, as `symbol ts revision`: a later revision is there again. */
  readonly deleted = new Set<string>();
  /** Rows that a person changed or inserted, instead of what was stored by then. */
  readonly handMade: HandMade[] = [];
  /** Holes as they stand in `ingestion_cursor`. */
  readonly holes: SymbolRange[] = [];

  reset(): void {
    this.asked = 0;
    this.deleted.clear();
    this.handMade.length = 0;
    this.holes.length = 0;
  }

  /** The answer to a statement of an audit; null: it is none. */
  answer(
    query: string,
    args: readonly (string | null)[],
    flushes: ReadonlyMap<number, readonly StoredFlush[]>,
  ) {
    const isBars = query.includes("as ts_ms");
    if (!isBars && !query.includes("unnest(\n  c.holes *")) return null;
    this.asked += 1;
    const symbols = new Set(parseArray(args[0] ?? "{}"));
    const [fromMs = 0, toMs = 0] = [1, 2].map((index) => Date.parse(args[index] ?? ""));
    if (!isBars) {
      const found = this.holes.filter(({ symbol }) => symbols.has(symbol));
      const values = found.map(({ symbol, startMs, endMs }) =>
        [symbol, startMs, endMs].map(String),
      );
      return result(HOLE_FIELDS, values);
    }
    const stored = [...flushes.values()].flat().flatMap(({ rows }) => rows);
    const newest = new Map<string, HandMade>();
    for (const row of [...stored, ...this.handMade]) {
      if (!symbols.has(row.symbol) || row.ts < fromMs || row.ts >= toMs) continue;
      const key = `${row.symbol} ${row.ts}`;
      if (row.revision >= (newest.get(key)?.revision ?? 0)) newest.set(key, row);
    }
    const rows = [...newest.values()].filter(
      ({ symbol, ts, revision }) => !this.deleted.has(`${symbol} ${ts} ${revision}`),
    );
    return result(BAR_FIELDS, rows.map(barValues));
  }
}

function barValues({ symbol, ts, close, revision }: HandMade): string[] {
  const price = String(close);
  const prices = [price, price, price, price];
  return [symbol, String(ts), ...prices, "100", price, "10", String(revision)];
}
