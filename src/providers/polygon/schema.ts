import { z } from "zod";

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
  results: z.array(polygonBarSchema).nullish(),
  next_url: z.string().max(2_000).nullish(),
});
export type PolygonAggsPage = z.infer<typeof polygonAggsPageSchema>;
