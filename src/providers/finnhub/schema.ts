import { z } from "zod";

const column = z.array(z.number()).max(100_000);

/**
 * `/stock/candle`: one array a column, all of one length (the mapper sees to it); `no_data`
 * has no arrays at all.
 */
export const finnhubBarsSchema = z.discriminatedUnion("s", [
  z.object({
    s: z.literal("ok"),
    t: z.array(z.number().int()).max(100_000),
    o: column,
    h: column,
    l: column,
    c: column,
    v: column,
  }),
  z.object({ s: z.literal("no_data") }),
]);
export type FinnhubBars = z.infer<typeof finnhubBarsSchema>;

/** `/quote`. The published schema has no `t`, the answer has; all zeros for what it does not know. */
export const finnhubQuoteSchema = z.object({
  c: z.number(),
  t: z.number().int().nonnegative(),
});
export type FinnhubQuote = z.infer<typeof finnhubQuoteSchema>;

/** A row of `/stock/symbol?exchange=US`. */
export const finnhubSymbolSchema = z.object({
  symbol: z.string(),
  description: z.string().nullish(),
  mic: z.string().nullish(),
  type: z.string().nullish(),
  figi: z.string().nullish(),
});
export type FinnhubSymbol = z.infer<typeof finnhubSymbolSchema>;

/** `/stock/symbol`: one array without pages, 25,000 to 30,000 rows. */
export const finnhubSymbolsSchema = z.array(finnhubSymbolSchema);
