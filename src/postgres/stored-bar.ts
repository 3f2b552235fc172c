import { z } from "zod";
import { barStatusSchema, sessionKindSchema } from "../contracts/flush.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { sourcesOfBits } from "./rollup-sql.ts";
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

/** A row of a bar that is worked out from minutes. */
export const rollupBarRow = z
  .object({
    ...valueColumns,
    bars: z.number().int(),
    sources: z.number().int().transform(sourcesOfBits),
    has_backfilled: z.boolean(),
  })
  .transform(({ trade_count, as_of, has_backfilled, ...same }) => ({
    ...same,
    tradeCount: trade_count,
    asOfMs: as_of,
    hasBackfilled: has_backfilled,
  }));

/**
 * A bar of 5 minutes or an hour, worked out from the minute bars that were believed. `ts` is its START on the
 * clock; `asOfMs` since when the last of its bars is believed; `bars` how many it is made of; `revision` the sum
 * of theirs; `sources` who gave them, `provider/feed`, sorted. Values as the view `candles_1h` defines them.
 */
export type RollupBar = z.infer<typeof rollupBarRow>;
