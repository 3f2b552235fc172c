import { z } from "zod";
import { barStatusSchema, sessionKindSchema } from "../contracts/flush.ts";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { exactInteger, instantMs } from "./sql-values.ts";

/** The columns of a belief that all tables of bars have under these names. */
export const BELIEF_VALUES =
  "open, high, low, close, volume, vwap, trade_count, as_of, asked_at, provider, feed";

/**
 * A row of a table of bars: `symbol`, `ts`, `BELIEF_VALUES`, `session`, `status`, `revision`. Parsed to the shape
 * of a `StoredBar`.
 */
export const beliefRow = z
  .object({
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
    asked_at: instantMs,
    provider: z.enum(PROVIDER_IDS),
    feed: z.enum(FEEDS),
    session: sessionKindSchema,
    status: barStatusSchema,
    revision: z.number().int(),
  })
  .transform(({ trade_count, as_of, asked_at, ...same }) => ({
    ...same,
    tradeCount: trade_count,
    asOfMs: as_of,
    askedAtMs: asked_at,
  }));
