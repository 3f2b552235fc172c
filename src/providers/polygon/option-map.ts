import { tradingDateOf } from "../../domain/new-york-time.ts";
import type { OptionContract } from "../../domain/option-chain.ts";
import type { TradingDate } from "../../domain/trading-date.ts";
import type { PolygonOption } from "./schema.ts";

const NANOSECONDS_OF_MS = 1_000_000;
/** Times outside these years are no times: the calendar would refuse them. */
const FIRST_MS = Date.UTC(1991, 0, 1);
const END_MS = Date.UTC(2030, 11, 31);

/**
 * One row of a chain; null for a type that is neither call nor put, or a strike that is not above 0.
 * - `strike_price`: US dollars; `expiration_date`: the New York date.
 * - `day.volume`: contracts; 0 IS a value. What `day.last_updated` (NANOSECONDS, a rounded number) does not
 *   put on `date` counts 0: the contract did not trade on it. Without a time it can't be told: unknown.
 * - `open_interest`: contracts; 0 is a value.
 * - `implied_volatility`: annual, 0.2 is 20 %; 0 is not a value.
 * - `greeks.delta`: -1 to 1; absent where it can't be worked out.
 */
export function toOptionContract(row: PolygonOption, date: TradingDate): OptionContract | null {
  const { contract_type: kind, expiration_date: expiry, strike_price: strike } = row.details;
  if ((kind !== "call" && kind !== "put") || !(strike > 0)) return null;
  const iv = row.implied_volatility ?? 0;
  return {
    kind,
    expiry,
    strike,
    volume: volumeOf(row, date),
    openInterest: row.open_interest ?? null,
    iv: iv > 0 ? iv : null,
    delta: row.greeks?.delta ?? null,
  };
}

function volumeOf({ day }: PolygonOption, date: TradingDate): number | null {
  const volume = day?.volume ?? null;
  if (volume === null) return day === null || day === undefined ? null : 0;
  const updatedMs = Math.floor((day?.last_updated ?? 0) / NANOSECONDS_OF_MS);
  if (updatedMs < FIRST_MS || updatedMs >= END_MS) return null;
  return tradingDateOf(updatedMs) === date ? volume : 0;
}
