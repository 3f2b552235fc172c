import type { SecurityType, SpelledRow } from "../listed-symbol.ts";
import type { PolygonTicker } from "./schema.ts";

/** Polygon's type codes (`/v3/reference/tickers/types`); an unknown one is OTHER, none is null. */
const TYPES: Readonly<Record<string, SecurityType>> = {
  CS: "COMMON",
  ADRC: "ADR",
  ADRW: "WARRANT",
  ADRR: "RIGHT",
  PFD: "PREFERRED",
  WARRANT: "WARRANT",
  RIGHT: "RIGHT",
  UNIT: "UNIT",
  ETF: "ETF",
  ETN: "ETN",
  BOND: "NOTE",
  SP: "NOTE",
};

/** One row of the reference list: no numbers; `primary_exchange` is a MIC, `composite_figi` a FIGI. */
export function toSpelledRow(row: PolygonTicker): SpelledRow {
  return {
    listedAs: row.ticker,
    name: row.name ?? null,
    exchange: row.primary_exchange ?? null,
    type: typeof row.type === "string" ? (TYPES[row.type] ?? "OTHER") : null,
    figi: row.composite_figi ?? null,
  };
}
