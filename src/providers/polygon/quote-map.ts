import { positiveOrNull, type Quote, quoteSides } from "../../domain/quote.ts";
import { type NanoTime, parseEpochNs } from "../nano-time.ts";
import { fromPolygonTicker } from "./map.ts";
import type { PolygonSnapshotRow } from "./schema.ts";

/**
 * One stock row of `/v3/snapshot`; null for a row with an error, of another asset class, without a
 * canonical symbol, or without any value.
 * - `bid ask`: US dollars a share; 0 is not a value: that side is empty.
 * - `bid_size ask_size`: round lots, as the API's document has it; 0 is not a value.
 * - `last_updated`, `sip_timestamp`: NANOSECONDS since 1970, as text; 0 means never.
 * - `price`: US dollars a share of the last trade; 0 is not a value.
 * - `timeframe`: DELAYED is a delayed key's row, so its feed is `delayed_sip`.
 * Between sessions everything is 0 (client-js issue 303): no value, so no quote.
 */
export function toQuote(row: PolygonSnapshotRow): Quote | null {
  const symbol = fromPolygonTicker(row.ticker);
  if (symbol === null || hasNoStock(row)) return null;
  const { last_quote: quote, last_trade: trade } = row;
  const quotedAt = timeOf(quote?.last_updated);
  const tradedAt = timeOf(trade?.sip_timestamp ?? trade?.last_updated);
  // What has no time can't be told from what is years old.
  const sides = quoteSides(
    {
      bid: quotedAt === null ? null : quote?.bid,
      ask: quotedAt === null ? null : quote?.ask,
      bidSize: quote?.bid_size,
      askSize: quote?.ask_size,
    },
    "round_lots",
  );
  const last = tradedAt === null ? null : positiveOrNull(trade?.price);
  const hasSide = sides.bid !== null || sides.ask !== null;
  const at = hasSide ? quotedAt : last === null ? null : tradedAt;
  if (at === null) return null;
  const timeframe = (hasSide ? quote : trade)?.timeframe;
  return {
    symbol,
    ...at,
    ...sides,
    last,
    lastTs: last === null ? null : (tradedAt?.ts ?? null),
    venue: null,
    consolidated: true,
    feed: timeframe === "DELAYED" ? "delayed_sip" : "sip",
  };
}

function hasNoStock(row: PolygonSnapshotRow): boolean {
  const hasError = row.error !== undefined && row.error !== null;
  return hasError || (row.type ?? "stocks") !== "stocks";
}

function timeOf(digits: string | null | undefined): NanoTime | null {
  return digits === undefined || digits === null || /^0*$/.test(digits)
    ? null
    : parseEpochNs(digits);
}
