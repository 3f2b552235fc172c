import { z } from "zod";
import { spellingOf } from "../market/symbology.ts";
import { BadRequest } from "./bad-request.ts";
import type { MarketSource } from "./market-source.ts";
import { cursorParams, cutPage } from "./polygon-cursor.ts";
import { jsonReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** The default is as small as the real one: who forgets `limit` gets ten, latest first. */
const querySchema = z.object({
  "execution_date.gte": z.iso.date().default("0000-01-01"),
  "execution_date.lte": z.iso.date().default("9999-12-31"),
  sort: z.enum(["execution_date", "ticker"]).default("execution_date"),
  order: z.enum(["asc", "desc"]).default("desc"),
  limit: z.coerce.number().int().min(1).max(1_000).default(10),
});

/**
 * `/v3/reference/splits`, paged by `next_url`: what is announced at market time and not called off, by
 * execution date. Throws BadRequest.
 */
export function answerSplits(
  url: URL,
  source: MarketSource,
  baseUrl: string,
  requestId: string,
): Reply {
  const query = querySchema.safeParse(Object.fromEntries(cursorParams(url)));
  if (!query.success) {
    const field = String(query.error.issues[0]?.path[0]);
    throw new BadRequest(`Could not parse the parameter: '${field}'.`);
  }
  const { "execution_date.gte": from, "execution_date.lte": through, order, limit } = query.data;
  const asked = source.splitsNow().filter(({ exDate }) => exDate >= from && exDate <= through);
  const ordered = order === "asc" ? asked : asked.toReversed();
  const { rows, nextUrl } = cutPage(ordered, limit, url, baseUrl);
  const body = {
    results: rows.map((split) => ({
      execution_date: split.exDate,
      split_from: split.from,
      split_to: split.to,
      ticker: spellingOf("polygon", split.symbol),
    })),
    status: "OK",
    request_id: requestId,
    ...(nextUrl === null ? {} : { next_url: nextUrl }),
  };
  return jsonReply(200, JSON.stringify(body), { "x-request-id": requestId });
}
