import type { Split } from "../../domain/split.ts";
import { fromPolygonTicker } from "./map.ts";
import type { PolygonSplit } from "./schema.ts";

/**
 * One row of the splits; null for a ticker without a canonical symbol.
 * - `execution_date`: the New York date from whose open on the shares are the new ones.
 * - `split_from`, `split_to`: shares before and after; not always whole. 0 is not a value (it is refused).
 */
export function toSplit(row: PolygonSplit): Split | null {
  const symbol = fromPolygonTicker(row.ticker);
  if (symbol === null) return null;
  return { symbol, exDate: row.execution_date, from: row.split_from, to: row.split_to };
}
