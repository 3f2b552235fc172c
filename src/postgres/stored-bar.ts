import { z } from "zod";
import { barStatusSchema, sessionKindSchema } from "../contracts/flush.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { sourcesOfBits } from "./rollup-sql.ts";
import { at, type BlockKind, RowBlock } from "./row-block.ts";
import type { SqlRow } from "./sql-client.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

const valueColumns = {
  symbol: z.string(),
  ts: instantMs,
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  vwap: z.number().nullable(),
  trade_count: exactInteger.nullable(),
  as_of: instantMs,
  session: sessionKindSchema,
  revision: z.number().int(),
};

/** A row of a bar that is stored, as `readBars` selects it. */
export const storedBarRow = z
  .object({
    ...valueColumns,
    asked_at: instantMs,
    provider: z.enum(PROVIDER_IDS),
    feed: z.enum(FEEDS),
    status: barStatusSchema,
  })
  .transform(({ trade_count, as_of, asked_at, ...same }) => ({
    ...same,
    tradeCount: trade_count,
    asOfMs: as_of,
    askedAtMs: asked_at,
  }));

/**
 * A bar as it was believed. `ts` (bar START; of a daily bar 00:00 UTC of its trading date), `asOfMs` (since when) and `askedAtMs` are epoch ms;
 * prices in dollars as printed, volume in shares, `vwap` and `tradeCount` null when the provider gave none.
 */
export type StoredBar = z.infer<typeof storedBarRow>;

/** What a block of bars always has. */
const VALUE_BLOCK = {
  symbol: "text",
  ts: "instant",
  open: "value",
  high: "value",
  low: "value",
  close: "value",
  volume: "value",
  vwap: "value",
  trade_count: "value",
  as_of: "instant",
  session: "text",
  revision: "value",
} as const satisfies Record<string, BlockKind>;

/** The columns of a block of stored bars. */
export const STORED_BAR_BLOCK = {
  ...VALUE_BLOCK,
  asked_at: "instant",
  provider: "text",
  feed: "text",
  status: "text",
} as const satisfies Record<string, BlockKind>;

/** The bars of a block, in its order. */
export function storedBars(rows: readonly SqlRow[]): StoredBar[] {
  const block = new RowBlock(rows);
  const valuesAt = valuesOf(block);
  const askedAtMs = block.instants("asked_at");
  const provider = block.oneOf("provider", PROVIDER_IDS);
  const feed = block.oneOf("feed", FEEDS);
  const status = block.oneOf("status", barStatusSchema.options);
  return Array.from({ length: block.size }, (_, index) => ({
    ...valuesAt(index),
    askedAtMs: at(askedAtMs, index),
    provider: at(provider, index),
    feed: at(feed, index),
    status: at(status, index),
  }));
}

/** The columns of a block of bars that are worked out from minutes. */
export const ROLLUP_BAR_BLOCK = {
  ...VALUE_BLOCK,
  bars: "value",
  sources: "value",
  has_backfilled: "value",
} as const satisfies Record<string, BlockKind>;

/** The bars of a block that are worked out from minutes, in its order. */
export function rollupBars(rows: readonly SqlRow[]): RollupBar[] {
  const block = new RowBlock(rows);
  const valuesAt = valuesOf(block);
  const bars = block.integers("bars");
  const sources = block.integers("sources");
  const hasBackfilled = block.booleans("has_backfilled");
  return Array.from({ length: block.size }, (_, index) => ({
    ...valuesAt(index),
    bars: at(bars, index),
    sources: sourcesOfBits(at(sources, index)),
    hasBackfilled: at(hasBackfilled, index),
  }));
}

function valuesOf(block: RowBlock) {
  const symbol = block.texts("symbol");
  const ts = block.instants("ts");
  const open = block.numbers("open");
  const high = block.numbers("high");
  const low = block.numbers("low");
  const close = block.numbers("close");
  const volume = block.numbers("volume");
  const vwap = block.numbersOrNull("vwap");
  const tradeCount = block.integersOrNull("trade_count");
  const asOfMs = block.instants("as_of");
  const session = block.oneOf("session", sessionKindSchema.options);
  const revision = block.integers("revision");
  return (index: number) => ({
    symbol: at(symbol, index),
    ts: at(ts, index),
    open: at(open, index),
    high: at(high, index),
    low: at(low, index),
    close: at(close, index),
    volume: at(volume, index),
    vwap: at(vwap, index),
    tradeCount: at(tradeCount, index),
    asOfMs: at(asOfMs, index),
    session: at(session, index),
    revision: at(revision, index),
  });
}

/**
 * A bar of 5 minutes or an hour, worked out from the minute bars that were believed. `ts` is its START on the
 * clock; `asOfMs` since when the last of its bars is believed; `bars` how many it is made of; `revision` the sum
 * of theirs; `sources` who gave them, `provider/feed`, sorted. Values as the view `candles_1h` defines them.
 */
export interface RollupBar extends Omit<StoredBar, "askedAtMs" | "provider" | "feed" | "status"> {
  readonly bars: number;
  readonly sources: readonly string[];
  readonly hasBackfilled: boolean;
}
