import { z } from "zod";
import { FEEDS, PROVIDER_IDS } from "../domain/provider-id.ts";
import { sizeUnitSchema } from "./quote-row.ts";

const value = z.number().nullable();

const sourcedQuoteSchema = z.object({
  symbol: z.string(),
  ts: z.number(),
  nsOfMs: z.number(),
  bid: value,
  ask: value,
  bidSize: value,
  askSize: value,
  sizeUnit: sizeUnitSchema.nullable(),
  last: value,
  lastTs: value,
  venue: z.string().nullable(),
  consolidated: z.boolean(),
  feed: z.enum(FEEDS),
  provider: z.enum(PROVIDER_IDS),
  askedAt: z.number(),
});

/**
 * What a quotes task hands to a symbol group: the checked quotes of its symbols, one a symbol and
 * provider at most. `receivedAt` is wall ms. Checked again on arrival, like everything that enters.
 */
export const quotesParcelSchema = z.object({
  quotes: z.array(sourcedQuoteSchema).readonly(),
  receivedAt: z.number(),
});
export type QuotesParcel = z.infer<typeof quotesParcelSchema>;
