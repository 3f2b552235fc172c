import { z } from "zod";

/**
 * A bar of `/v2/stocks/bars`. `t` is RFC 3339, up to nanoseconds. `n` and `vw` are missing where
 * older data has none.
 */
export const alpacaBarSchema = z.object({
  t: z.iso.datetime({ offset: true }),
  o: z.number(),
  h: z.number(),
  l: z.number(),
  c: z.number(),
  v: z.number(),
  n: z.number().nullish(),
  vw: z.number().nullish(),
});
export type AlpacaBar = z.infer<typeof alpacaBarSchema>;

/**
 * One page of `/v2/stocks/bars`. A symbol without bars is absent; no bars at all is `{}` or null.
 * The token is required: an answer without it can't prove that nothing was cut off.
 */
export const alpacaBarsPageSchema = z.object({
  bars: z.record(z.string(), z.array(alpacaBarSchema)).nullable(),
  next_page_token: z.string().max(1_000).nullable(),
});
export type AlpacaBarsPage = z.infer<typeof alpacaBarsPageSchema>;

/** A quote of `/v2/stocks/quotes/latest`. `ax`, `bx` are exchange codes; conditions are not read. */
export const alpacaQuoteSchema = z.object({
  t: z.iso.datetime({ offset: true }),
  bp: z.number().nullish(),
  bs: z.number().nullish(),
  bx: z.string().nullish(),
  ap: z.number().nullish(),
  as: z.number().nullish(),
  ax: z.string().nullish(),
});
export type AlpacaQuote = z.infer<typeof alpacaQuoteSchema>;

/** Newest quotes: one answer, no pages. A symbol without a quote is absent or null. */
export const alpacaQuotesSchema = z.object({
  quotes: z.record(z.string(), alpacaQuoteSchema.nullable()).nullable(),
});
export type AlpacaQuotes = z.infer<typeof alpacaQuotesSchema>;

/** A row of `/v2/assets`, of which only what a list needs is read. */
export const alpacaAssetSchema = z.object({
  symbol: z.string(),
  class: z.string(),
  exchange: z.string(),
  status: z.string(),
  name: z.string().nullish(),
});
export type AlpacaAsset = z.infer<typeof alpacaAssetSchema>;

/** `/v2/assets`: one array without pages, about 11,000 rows. */
export const alpacaAssetsSchema = z.array(alpacaAssetSchema);

/** New York wall time. */
const wallTimeSchema = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** A trading day of `/v2/calendar`; the pre and post sessions are not read. */
export const alpacaDaySchema = z.object({
  date: z.iso.date(),
  open: wallTimeSchema,
  close: wallTimeSchema,
});
export type AlpacaDay = z.infer<typeof alpacaDaySchema>;

/** `/v2/calendar`: one array without pages; a date that is absent is not traded. */
export const alpacaCalendarSchema = z.array(alpacaDaySchema);
