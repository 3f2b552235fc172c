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
