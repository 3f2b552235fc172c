import { z } from "zod";

/** Of all paged answers: absent on the last page. */
const nextUrl = z.string().max(2_000).nullish();

/** Of aggregates: how many rows this page says it has; absent in some answers. */
const resultsCount = z.number().nullish();

/** A bar of the aggregates range. `v` is a double: volume may be fractional. */
export const polygonBarSchema = z.object({
  t: z.number().int(),
  o: z.number(),
  h: z.number(),
  l: z.number(),
  c: z.number(),
  v: z.number(),
  n: z.number().nullish(),
  vw: z.number().nullish(),
});
export type PolygonBar = z.infer<typeof polygonBarSchema>;

/**
 * One page of `/v2/aggs/ticker/{T}/range/…`. `results` is ABSENT when there is none. `DELAYED` is a
 * good answer of a delayed key whose range touches the last 15 minutes. The last page has no
 * `next_url`.
 */
export const polygonAggsPageSchema = z.object({
  ticker: z.string(),
  status: z.enum(["OK", "DELAYED"]),
  adjusted: z.boolean().nullish(),
  resultsCount,
  results: z.array(polygonBarSchema).nullish(),
  next_url: nextUrl,
});
export type PolygonAggsPage = z.infer<typeof polygonAggsPageSchema>;

/** A row of grouped daily: a bar with its ticker. */
export const polygonGroupedBarSchema = polygonBarSchema.extend({ T: z.string() });

/** `/v2/aggs/grouped/…/{date}`: the whole market. `results` is ABSENT on a day without trading. */
export const polygonGroupedPageSchema = z.object({
  status: z.enum(["OK", "DELAYED"]),
  adjusted: z.boolean().nullish(),
  resultsCount,
  results: z.array(polygonGroupedBarSchema).nullish(),
  next_url: nextUrl,
});
export type PolygonGroupedPage = z.infer<typeof polygonGroupedPageSchema>;

/** Nanoseconds since 1970: text when `quoteNanos` kept its digits, else the number 0 or a rounded one. */
const nanosSchema = z
  .union([z.string().regex(/^\d{1,19}$/), z.number().nonnegative().max(9.2e18)])
  .transform((value) => (typeof value === "string" ? value : BigInt(Math.trunc(value)).toString()));

/** A row of `/v3/snapshot`: an instrument of any class, or an error in its place. */
export const polygonSnapshotRowSchema = z.object({
  ticker: z.string(),
  type: z.string().nullish(),
  error: z.string().nullish(),
  message: z.string().nullish(),
  last_quote: z
    .object({
      bid: z.number().nullish(),
      ask: z.number().nullish(),
      bid_size: z.number().nullish(),
      ask_size: z.number().nullish(),
      last_updated: nanosSchema.nullish(),
      timeframe: z.string().nullish(),
    })
    .nullish(),
  last_trade: z
    .object({
      price: z.number().nullish(),
      sip_timestamp: nanosSchema.nullish(),
      last_updated: nanosSchema.nullish(),
      timeframe: z.string().nullish(),
    })
    .nullish(),
});
export type PolygonSnapshotRow = z.infer<typeof polygonSnapshotRowSchema>;

/** One page of `/v3/snapshot`. */
export const polygonSnapshotPageSchema = z.object({
  status: z.string(),
  results: z.array(polygonSnapshotRowSchema).nullish(),
  next_url: nextUrl,
});
export type PolygonSnapshotPage = z.infer<typeof polygonSnapshotPageSchema>;

/** A row of `/v3/reference/tickers`; `type` and the FIGI are missing for some. */
export const polygonTickerSchema = z.object({
  ticker: z.string(),
  name: z.string().nullish(),
  primary_exchange: z.string().nullish(),
  type: z.string().nullish(),
  composite_figi: z.string().nullish(),
});
export type PolygonTicker = z.infer<typeof polygonTickerSchema>;

/** One page of `/v3/reference/tickers`. */
export const polygonTickersPageSchema = z.object({
  status: z.string(),
  results: z.array(polygonTickerSchema).nullish(),
  next_url: nextUrl,
});

/**
 * A row of `/v1/marketstatus/upcoming`: a holiday or an early close of one exchange. Hours are instants
 * and come with an early close only.
 */
export const polygonHolidaySchema = z.object({
  exchange: z.string(),
  date: z.iso.date(),
  status: z.string(),
  open: z.iso.datetime({ offset: true }).nullish(),
  close: z.iso.datetime({ offset: true }).nullish(),
});
export type PolygonHoliday = z.infer<typeof polygonHolidaySchema>;

/** `/v1/marketstatus/upcoming`: one array without pages. */
export const polygonUpcomingSchema = z.array(polygonHolidaySchema);

/** A row of `/v3/reference/splits`. */
export const polygonSplitSchema = z.object({
  ticker: z.string(),
  execution_date: z.iso.date(),
  split_from: z.number(),
  split_to: z.number(),
});
export type PolygonSplit = z.infer<typeof polygonSplitSchema>;

/** One page of `/v3/reference/splits`. */
export const polygonSplitsPageSchema = z.object({
  status: z.string(),
  results: z.array(polygonSplitSchema).nullish(),
  next_url: nextUrl,
});

/**
 * A row of `/v3/snapshot/options/{underlying}`. Greeks and volatility are missing (or greeks an empty object)
 * where the API can't work them out; `day` is empty, or of a day long past, for what did not trade today.
 */
export const polygonOptionSchema = z.object({
  details: z.object({
    contract_type: z.string(),
    expiration_date: z.iso.date(),
    strike_price: z.number(),
  }),
  day: z.object({ volume: z.number().nullish(), last_updated: z.number().nullish() }).nullish(),
  greeks: z.object({ delta: z.number().nullish() }).nullish(),
  implied_volatility: z.number().nullish(),
  open_interest: z.number().nullish(),
  underlying_asset: z
    .object({ ticker: z.string().nullish(), price: z.number().nullish() })
    .nullish(),
});
export type PolygonOption = z.infer<typeof polygonOptionSchema>;

/** One page of `/v3/snapshot/options/{underlying}`. */
export const polygonOptionsPageSchema = z.object({
  status: z.string(),
  results: z.array(polygonOptionSchema).nullish(),
  next_url: nextUrl,
});
export type PolygonOptionsPage = z.infer<typeof polygonOptionsPageSchema>;
