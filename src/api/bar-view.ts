import { z } from "@hono/zod-openapi";
import { toIso } from "../domain/time.ts";
import type { EpochMs } from "../domain/time.ts";
import type { RollupBar, StoredBar } from "../postgres/stored-bar.ts";

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

/**
 * A bar that is worked out from `bars` minute bars. `provider` and `feed` name all that gave them, joined by `+`;
 * `status` is `updated` when one of them was revised, else `backfilled` when one was, else `first`; `revision` is
 * the sum of theirs, and `as_of` since when the last of them is believed.
 */
export const rollupViewSchema = barViewSchema.extend({ bars: z.number().int() });

/** An expected minute that is known to have had no trade: no bar, so nothing is given. */
export const noTradeViewSchema = z.object({
  symbol: z.string(),
  ts: z.iso.datetime(),
  open: z.null(),
  high: z.null(),
  low: z.null(),
  close: z.null(),
  volume: z.null(),
  vwap: z.null(),
  trade_count: z.null(),
  provider: z.null(),
  feed: z.null(),
  session: z.literal("regular"),
  status: z.null(),
  revision: z.null(),
  as_of: z.null(),
  no_trade: z.literal(true),
});

/** The columns of a bar, in the order of CSV. */
export const BAR_COLUMNS = Object.keys(barViewSchema.shape);

/** A stored bar in the form of the data routes. */
export function barView(bar: StoredBar): z.infer<typeof barViewSchema> {
  const { provider, feed, status } = bar;
  return { ...valuesOf(bar), provider, feed, ...tailOf(bar, status) };
}

/** A bar of 5 minutes or an hour in the form of the data routes. */
export function rollupView(bar: RollupBar): z.infer<typeof rollupViewSchema> {
  const pairs = bar.sources.map((source) => source.split("/"));
  const status = bar.revision > 0 ? "updated" : bar.hasBackfilled ? "backfilled" : "first";
  return {
    ...valuesOf(bar),
    provider: joined(pairs.map(([provider = ""]) => provider)),
    feed: joined(pairs.map(([, feed = ""]) => feed)),
    ...tailOf(bar, status),
    bars: bar.bars,
  };
}

/** A minute without a trade in the form of the data routes. */
export function noTradeView(symbol: string, ts: EpochMs): z.infer<typeof noTradeViewSchema> {
  return {
    symbol,
    ts: toIso(ts),
    open: null,
    high: null,
    low: null,
    close: null,
    volume: null,
    vwap: null,
    trade_count: null,
    provider: null,
    feed: null,
    session: "regular",
    status: null,
    revision: null,
    as_of: null,
    no_trade: true,
  };
}

function joined(names: readonly string[]): string {
  return [...new Set(names)].toSorted().join("+");
}

function valuesOf(bar: StoredBar | RollupBar) {
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
  };
}

function tailOf(bar: StoredBar | RollupBar, status: string) {
  return { session: bar.session, status, revision: bar.revision, as_of: toIso(bar.asOfMs) };
}
