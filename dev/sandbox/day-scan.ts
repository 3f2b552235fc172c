import type { EpochMs } from "../../src/domain/time.ts";
import type { MarketBar } from "../market/market.ts";
import type { MarketSource } from "./market-source.ts";
import type { LookUp, Scan, ScanPlace } from "./minute-scan.ts";

/**
 * The same as `scanMinutes` over trading dates, each named by the New York midnight that begins it. Ten
 * years of 1,000 symbols would be 2.5 million look-ups, so the range is bounded by the source.
 */
export function scanDays(
  scan: Scan,
  source: Pick<MarketSource, "tradingDays">,
  lookUp: LookUp,
  emit: (symbol: string, ts: EpochMs, bar: MarketBar) => void,
): ScanPlace | null {
  const ascending = source.tradingDays(scan.startMs, scan.endMs);
  const days = scan.order === "asc" ? ascending : ascending.toReversed();
  const firstSymbol = scan.from === null ? 0 : scan.symbols.indexOf(scan.from.symbol);
  let emitted = 0;
  for (const symbol of scan.symbols.slice(Math.max(0, firstSymbol))) {
    const from = symbol === scan.from?.symbol ? days.indexOf(scan.from.ts) : 0;
    for (const ts of days.slice(Math.max(0, from))) {
      const bar = lookUp(symbol, ts);
      if (bar === undefined) continue;
      if (emitted === scan.limit) return { symbol, ts };
      emit(symbol, ts, bar);
      emitted += 1;
    }
  }
  return null;
}
