import { z } from "@hono/zod-openapi";
import { toIso } from "../domain/time.ts";
import type { StoredBar } from "../postgres/bars-store.ts";

/** A bar as the data routes answer it: times RFC 3339, prices in dollars, volume in shares. */
export const barViewSchema = z.object({
  symbol: z.string(),
  ts: z.iso.datetime(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: z.number().nullable(),
  provider: z.string(),
  feed: z.string(),
  session: z.string(),
  status: z.string(),
  revision: z.number(),
  as_of: z.iso.datetime(),
});

/** A stored bar in the form of the data routes. */
export function barView(bar: StoredBar): z.infer<typeof barViewSchema> {
  return {
    symbol: bar.symbol,
    ts: toIso(bar.ts),
    open: bar.open,
    high: bar.high,
    low: bar.low,
    close: bar.close,
    volume: bar.volume,
    vwap: bar.vwap,
    trade_count: bar.tradeCount,
    provider: bar.provider,
    feed: bar.feed,
    session: bar.session,
    status: bar.status,
    revision: bar.revision,
    as_of: toIso(bar.asOfMs),
  };
}
